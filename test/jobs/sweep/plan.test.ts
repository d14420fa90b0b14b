/** From a sweep's file to jobs and their keys. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireUnchanged } from '../../../src/jobs/sweep/content.ts';
import { recipesOf } from '../../../src/jobs/sweep/draw.ts';
import { keyOf, parseJob } from '../../../src/jobs/sweep/job.ts';
import { planSweep } from '../../../src/jobs/sweep/plan.ts';
import { normalised } from '../../../src/jobs/sweep/recipe.ts';
import { parseSweep, readSweep, sweepFileJsonSchema } from '../../../src/jobs/sweep/sweep-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-plan-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fixtures = join(import.meta.dirname, '../../../fixtures');
const place = (from: string, as: string) => {
  cpSync(join(fixtures, from), join(folder, as), { recursive: true });
  return as;
};
const sweepOf = (fields: object) => parseSweep({ edgepress: 'sweep@1', ...fields });
const plan = (fields: object, name = 'sweep') => planSweep({ name, sweep: sweepOf(fields), folder });
const keys = async (fields: object) => (await plan(fields)).jobs.map(({ key }) => key);

describe('recipes of a sweep', () => {
  const recipes = (fields: object) => recipesOf(sweepOf({ models: ['m.onnx'], ...fields }), {});

  it('are all combinations of each grid, null leaving a field out', () => {
    expect(
      recipes({
        fixed: { calibrate: 20 },
        grid: [{ int8: [null, 'static'], prune: [null, 30] }, { fp16: [true] }],
      }),
    ).toEqual([
      { calibrate: 20 },
      { calibrate: 20, prune: 30 },
      { calibrate: 20, int8: 'static' },
      { calibrate: 20, int8: 'static', prune: 30 },
      { calibrate: 20, fp16: true },
    ]);
  });

  it('are drawn by seed, within their spans', () => {
    const random = {
      jobs: 40,
      space: { prune: { from: 10, to: 60, step: 5 }, learningRate: { from: 1e-5, to: 1e-2, log: true } },
    };
    const drawn = recipes({ random });
    expect(drawn).toEqual(recipes({ random }));
    expect(drawn).not.toEqual(recipes({ random: { ...random, seed: 1 } }));
    const prunes = drawn.map(({ prune }) => prune as number);
    expect(prunes.every((value) => value >= 10 && value <= 60 && value % 5 === 0)).toBe(true);
    expect(new Set(prunes).size).toBeGreaterThan(5);
    // Half of the draws lie below the geometric mean; 40 draws miss 5 of one half with a chance of 1e-6.
    expect(drawn.filter(({ learningRate }) => (learningRate as number) < 10 ** -3.5).length).toBeGreaterThan(
      5,
    );
  });
});

describe('the key of a job', () => {
  const model = { model: 'm.onnx', data: 'd.npz' };
  beforeEach(() => {
    place('models/glyphs-mlp.onnx', 'm.onnx');
    place('data/glyphs-grey.npz', 'd.npz');
  });

  it('is the same wherever the model lies and whatever it is called', async () => {
    const [key] = await keys({ models: [model] });
    mkdirSync(join(folder, 'other'));
    place('models/glyphs-mlp.onnx', 'other/name.onnx');
    expect(await keys({ models: [{ ...model, model: 'other/name.onnx' }] })).toEqual([key]);
    expect(await keys({ models: [model], fixed: { calibrate: 100 } })).toEqual([key]);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is another for another model, data, recipe, target, seed or version', async () => {
    const base = { models: [model] };
    place('models/digits-mlp.onnx', 'n.onnx');
    place('data/waves.npz', 'e.npz');
    const changed = [
      base,
      { models: [{ ...model, model: 'n.onnx' }] },
      { models: [{ ...model, data: 'e.npz' }] },
      { models: [model], fixed: { int8: true } },
      { models: [model], targets: ['node'] },
      { models: [model], seeds: [1] },
    ];
    const found = (await Promise.all(changed.map(keys))).flat();
    const { job } = (await plan(base)).jobs[0]!;
    const newer = await keyOf({ ...job, versions: { ...job.versions, edgepress: '9.9.9' } });
    expect(new Set([...found, newer]).size).toBe(changed.length + 1);
  });

  it('counts what lies beside a model, and every file of a folder of data', async () => {
    const [before] = await keys({ models: [model] });
    writeFileSync(join(folder, 'config.json'), '{}');
    const [after] = await keys({ models: [model] });
    expect(after).not.toBe(before);
    const pictures = { model: 'm.onnx', data: place('data/glyphs', 'pictures') };
    const [all] = await keys({ models: [pictures] });
    rmSync(join(folder, 'pictures/circle'), { recursive: true, force: true });
    writeFileSync(join(folder, 'pictures/more.txt'), 'x');
    expect(await keys({ models: [pictures] })).not.toEqual([all]);
  });

  it('is there once for jobs that are the same', async () => {
    expect(
      await keys({ models: [model], grid: [{ int8: ['static'] }, { int8: ['static', 'static'] }] }),
    ).toHaveLength(1);
  });

  it('stays the one of before: a change here makes every store worthless', async () => {
    const job = parseJob({
      kind: 'compress',
      model: 'a'.repeat(64),
      inputs: { data: { word: 'synthetic' } },
      recipe: { int8: 'static', calibrate: 20 },
      target: 'wasm',
      seed: 3,
      versions: { edgepress: '0.1.0', runtimes: { 'onnxruntime-web': '1.30.0' } },
    });
    expect(await keyOf(job)).toBe('4fba803ba89398c28888ed7bd75354634e928d667f9d2524e43f4b342b0bc876');
  });

  it('is not that of a file that changed meanwhile', async () => {
    const { trees } = await plan({ models: [model] });
    utimesSync(join(folder, 'm.onnx'), 1, 1);
    expect(() => [...trees.values()].forEach(requireUnchanged)).toThrow(
      expect.objectContaining({ code: 'SWEEP_INPUT_CHANGED' }),
    );
  });
});

describe('a job', () => {
  it.each([
    ['a path', { recipe: { output: '/tmp/x' } }],
    ['data by a path', { inputs: { data: '../secret' } }],
    ['data by a path as a word', { inputs: { data: { word: '../secret' } } }],
    ['a recipe in a file', { recipe: { recipe: 'module.mjs' } }],
    ['a key that nobody knows', { command: 'rm' }],
    ['a model that is no hash', { model: 'model.onnx' }],
  ])('with %s is refused', (_, fields) => {
    const job = { kind: 'compress', model: 'a'.repeat(64), inputs: {}, recipe: {}, target: 'wasm', seed: 0 };
    const versions = { edgepress: '1', runtimes: {} };
    expect(parseJob({ ...job, versions })).toBeTruthy();
    expect(() => parseJob({ ...job, versions, ...fields })).toThrow(
      expect.objectContaining({ code: 'JOB_INVALID' }),
    );
  });

  it('of options that do not go together is known to fail before it is tried', async () => {
    place('models/glyphs-mlp.onnx', 'm.onnx');
    const { jobs } = await plan({ models: ['m.onnx'], grid: { int8: [true, 'static'], fp16: [null, true] } });
    expect(jobs.map(({ refused }) => refused?.code)).toEqual([
      undefined,
      'CONFLICTING_OPTION',
      'CALIBRATION_REQUIRED',
      'CONFLICTING_OPTION',
    ]);
  });

  it('has its recipe in one form', () => {
    expect(normalised({ calibrate: 100, sizes: 'batch=1', int8: true })).toEqual({
      sizes: { batch: 1 },
      int8: true,
    });
  });
});

describe('a sweep file', () => {
  it('that is wrong is refused, naming the place', () => {
    const refused = (fields: object) =>
      expect(() => sweepOf(fields)).toThrow(expect.objectContaining({ code: 'SWEEP_INVALID' }));
    refused({});
    refused({ models: [] });
    refused({ models: ['https://example.org/m.onnx'] });
    refused({ models: ['m.onnx'], grid: { int9: [true] } });
    refused({ models: ['m.onnx'], grid: { int8: ['often'] } });
    refused({ models: ['m.onnx'], grid: { output: ['x.onnx'] } });
    expect(() => sweepOf({ models: ['m.onnx'], grid: { prune: [0, 200] } })).toThrow(/grid\.prune\[1\]/);
    expect(() => sweepOf({ models: ['m.onnx'], gird: {} })).toThrow(
      expect.objectContaining({ hint: 'Did you mean "grid"?' }),
    );
  });

  it('has two models of one name told apart by their names', async () => {
    place('models/glyphs-mlp.onnx', 'm.onnx');
    const code = expect.objectContaining({ code: 'SWEEP_INVALID' });
    await expect(plan({ models: ['m.onnx', { model: 'm.onnx', data: 'synthetic' }] })).rejects.toEqual(code);
    const { jobs } = await plan({
      models: ['m.onnx', { model: 'm.onnx', name: 'again', data: 'synthetic' }],
    });
    expect(jobs.map(({ model }) => model)).toEqual(['m', 'again']);
  });

  it('is described by its JSON Schema, as the example is', () => {
    const validate = new Ajv2020({ strict: false }).compile(sweepFileJsonSchema());
    const { sweep } = readSweep(join(import.meta.dirname, '../../../examples/sweep/sweep.json'));
    expect(validate(sweep)).toBe(true);
    expect(validate({ ...sweep, grid: { int8: ['often'] } })).toBe(false);
  });
});
