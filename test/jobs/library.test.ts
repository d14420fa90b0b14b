/** The calls of the library on shipped models: what a command says, as values. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bundle,
  compare,
  decodeModel,
  evaluate,
  inspect,
  type Progress,
  profile,
  write,
} from '../../src/index.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const model = join(fixtures, 'models', 'glyphs-mlp.onnx');
const data = join(fixtures, 'data', 'glyphs-grey.npz');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-library-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ['a path', () => model],
  ['bytes', () => new Uint8Array(readFileSync(model))],
  ['a model', () => decodeModel(readFileSync(model))],
])('%s', (_, given) => {
  it('is inspected', async () => {
    const { report } = await inspect(given());
    expect(report.inputs).toHaveLength(1);
    expect(report.problems.nonFinite).toEqual([]);
    expect(report.largestWeights[0]!.bytes).toBeGreaterThan(report.largestWeights[1]!.bytes);
  });

  it('is compared with itself, and is the same', async () => {
    const { report } = await compare(given(), model, { data, evaluate: 16, engine: 'node' });
    expect(report.compare.samples).toBe(16);
    expect(report.compare.outputs[0]).toMatchObject({ maxAbsError: 0, top1Agreement: 1 });
    expect(report.evaluation).not.toBeNull();
  });

  it('is evaluated', async () => {
    // fixtures/models/README.md: 393 of 400 are right.
    const { report } = await evaluate(given(), { data, metric: ['accuracy'], engine: 'node' });
    expect(report.metrics).toEqual([expect.objectContaining({ name: 'top-1 accuracy', after: 0.9825 })]);
  });

  it('is measured', async () => {
    const { report } = await profile(given(), { device: ['node'] });
    expect(report.rows).toHaveLength(1);
    expect(report.rows[0]!.reason).toBeNull();
  });
});

describe('a bundle', () => {
  it('comes back in memory, and nothing is left on disk', async () => {
    const usual = process.env['TMPDIR'];
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    process.env['TMPDIR'] = temporary;
    const call = bundle(model, { targets: ['node'], demo: false, cache: false });
    const { report, files } = await call.finally(() => {
      if (usual === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = usual;
    });
    expect(report.manifest.variants.map((v) => v.name)).toContain('float');
    expect(files.map((f) => f.path)).toContain('edgepress.json');
    expect(files.every((f) => f.bytes.length > 0)).toBe(true);
    // A child process that runs our source, as in tests alone, caches it there.
    const left = readdirSync(temporary).filter((name) => !name.startsWith('tsx-'));
    expect(left).toEqual([]);
  });

  it('is written where the request says', async () => {
    const output = join(folder, 'bundle');
    await bundle(model, { targets: ['node'], demo: false, cache: false, output });
    expect(existsSync(join(output, 'edgepress.json'))).toBe(true);
  });
});

describe('a call', () => {
  it('tells how far it is', async () => {
    const told: Progress[] = [];
    await compare(model, model, { data, evaluate: 4, engine: 'node', onProgress: (p) => told.push(p) });
    expect(told[0]).toEqual({ kind: 'begin', step: 'compare' });
    expect(told).toContainEqual({ kind: 'progress', step: 'compare', done: 4, total: 4 });
    expect(told.at(-1)).toMatchObject({ kind: 'end', step: 'compare' });
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    const call = compare(model, model, { data, engine: 'node', signal: stop.signal, onProgress });
    await expect(call).rejects.toThrow('enough');
  });

  it.each([
    ['an option misspelt', () => compare(model, model, { data, smaples: 3 } as never), 'UNKNOWN_OPTION'],
    [
      'a value of the wrong kind',
      () => evaluate(model, { data, engine: 'wsam' as never }),
      'INVALID_ARGUMENT',
    ],
    ['an option without effect', () => evaluate(model, { data, window: 3 }), 'OPTION_WITHOUT_EFFECT'],
    ['no data', () => compare(model, model, {} as never), 'MISSING_MANDATORY_OPTION_VALUE'],
    ['labels without data', () => bundle(model, { labels: 'labels.csv' }), 'OPTION_WITHOUT_EFFECT'],
    ['a model that is not there', () => inspect('nowhere.onnx'), 'FILE_NOT_FOUND'],
  ])('with %s is refused', async (_, call, code) => {
    await expect(call()).rejects.toMatchObject({ code });
  });

  it('with a target that does not exist is told which was meant', async () => {
    const call = bundle(model, { targets: ['wasm', 'gpu' as never] });
    await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', hint: 'Did you mean webgpu?' });
  });
});

it.each([
  ['options of the wrong kind', () => inspect(model, null as never), 'INVALID_ARGUMENT'],
  ['options of the wrong kind', () => bundle(model, 'wasm' as never), 'INVALID_ARGUMENT'],
  [
    'no options where some are needed',
    () => compare(model, model, undefined as never),
    'MISSING_MANDATORY_OPTION_VALUE',
  ],
  ['no model', () => inspect(undefined as never), 'MODEL_INPUT'],
  ['an ArrayBuffer', () => evaluate(new ArrayBuffer(8) as never, { data }), 'MODEL_INPUT'],
])('%s given from JavaScript: a diagnostic', async (_, call, code) => {
  await expect(call()).rejects.toMatchObject({ code });
});

it('write makes the folder that it writes to', () => {
  const made = join(folder, 'new', 'deeper');
  expect(write([{ path: 'elsewhere/a.bin', bytes: new Uint8Array(3) }], made)).toEqual([join(made, 'a.bin')]);
  expect(readdirSync(made)).toEqual(['a.bin']);
});
