import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { upgradeOpset } from '../../../passes/upgrade-opset.ts';
import { definePass, type Pass } from '../../../src/compress/pipeline/pass.ts';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';
import { type PipelineOptions, runRecipe } from '../../../src/compress/pipeline/run.ts';
import type { StatisticRequest, Statistics } from '../../../src/compute/calibrate/statistics.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel, printModel } from '../../../src/model/formats/onnx-text/index.ts';
import { addNode, setAttribute } from '../../../src/model/ir/edit.ts';
import type { Model, Value } from '../../../src/model/ir/model.ts';

const network = () =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x) => (float[2] y)
< float[2] W = {1, 2} >
{
  a = Mul (x, W)
  y = LeakyRelu <alpha = 0.5> (a)
}`);

const options = z.strictObject({});
const make = (name: string, rest: Partial<Pass>): Pass =>
  definePass({
    name,
    summary: '',
    effect: 'lossy',
    options,
    apply: () => ({ changed: 0, skipped: [] }),
    ...rest,
  });

const steepen = make('steepen', {
  apply(model) {
    setAttribute(model.graph.nodes[1]!, 'alpha', { type: 'float', value: 0.25 });
    return { changed: 1, skipped: [{ at: 'a', reason: 'not-steep' }] };
  },
});

const ask = (name: string, value: string): Pass =>
  make(name, { needs: () => ({ calibration: true }), observe: () => [{ kind: 'range', value }] });

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

function run(
  model: Model,
  stages: Record<string, Pass[]>,
  more: Partial<PipelineOptions> = {},
): ReturnType<typeof runRecipe> {
  const passes = new Map(Object.values(stages).flatMap((list) => list.map((p) => [p.name, p] as const)));
  const recipe = parseRecipe({
    edgepress: 1,
    name: 'test',
    stages: Object.entries(stages).map(([name, list]) => ({
      name,
      passes: list.map((p) => ({ pass: p.name })),
    })),
  });
  return runRecipe(model, recipe, { passes, engine, ...more });
}

describe('a run', () => {
  it('edits a copy', async () => {
    const source = network();
    const [text, bytes] = [printModel(source), encodeModel(source)];
    const { model } = await run(source, { one: [steepen] });
    expect(printModel(source)).toBe(text);
    expect(encodeModel(source)).toEqual(bytes);
    expect(printModel(model)).toContain('alpha = 0.25');
  });

  it('keeps a journal of stages, passes and skips, and tells as it goes', async () => {
    const told: string[] = [];
    const { journal } = await run(
      network(),
      { first: [steepen, make('idle', { effect: 'exact' })], second: [make('again', {})] },
      {
        onStage: ({ name, index, count }) => told.push(`${name} ${index + 1}/${count}`),
        onStageDone: ({ name, passes }) => told.push(`${name}: ${passes.map((p) => p.name).join(', ')}`),
      },
    );
    expect(told).toEqual(['first 1/2', 'first: steepen, idle', 'second 2/2', 'second: again']);
    expect(journal.skips).toEqual([{ pass: 'steepen', at: 'a', reason: 'not-steep' }]);
    expect(journal.stages.map((s) => [s.name, s.passes.map(({ ms: _, ...rest }) => rest)])).toEqual([
      [
        'first',
        [
          { name: 'steepen', effect: 'lossy', changed: 1, skipped: 1 },
          { name: 'idle', effect: 'exact', changed: 0, skipped: 0 },
        ],
      ],
      ['second', [{ name: 'again', effect: 'lossy', changed: 0, skipped: 0 }]],
    ]);
  });

  it('keeps the model as it was before the first lossy pass', async () => {
    const exact = make('exact', { effect: 'exact' });
    const { clean, model } = await run(network(), { first: [exact], second: [steepen], third: [exact] });
    expect(printModel(clean)).toBe(printModel(network()));
    expect(printModel(model)).not.toBe(printModel(clean));
  });

  it('says what passes did, the most prominent first, and once what stands in a stage twice', async () => {
    const fold = make('fold', {
      describe: (n) => `${n} folded`,
      apply: () => ({ changed: 2, skipped: [] }),
    });
    const upgrade = make('upgrade', {
      describe: (_, after) => `opset ${after.opset}`,
      prominence: 1,
      apply: () => ({ changed: 5, skipped: [] }),
    });
    const { journal } = await run(network(), { one: [fold, upgrade, fold, steepen] });
    expect(journal.stages[0]!.said).toEqual([
      { pass: 'upgrade', text: 'opset 17' },
      { pass: 'fold', text: '4 folded' },
    ]);
  });

  it.each([
    ['"" : 13', 'y = Relu (x)', 'upgraded to opset 17'],
    ['"com.microsoft" : 1', 'y = com.microsoft.Gelu (x)', 'opset 17 of ai.onnx imported'],
  ])('says of a model of %s what became of its opset', async (imports, node, text) => {
    const model = parseModel(`<ir_version: 8, opset_import: [${imports}]>
g (float[2] x) => (float[2] y) { ${node} }`);
    const { journal } = await run(model, { one: [upgradeOpset] });
    expect(journal.stages[0]!.said).toEqual([{ pass: 'upgrade-opset', text }]);
  });

  it('refuses a model whose opset is older than a pass needs', async () => {
    const modern = make('modern', { needs: () => ({ opset: 18 }) });
    await expect(run(network(), { one: [modern] })).rejects.toMatchObject({ code: 'PASS_NEEDS_OPSET' });
  });

  it('says which node holds the model at an opset, and why', async () => {
    const held = parseModel(`<ir_version: 8, opset_import: ["" : 8]>
g (float[1,2,4] x, float[3] s) => (float[1,2,4] y) { [norm] y = BatchNormalization (x, s, s, s, s) }`);
    const modern = make('modern', { needs: () => ({ opset: 13 }) });
    await expect(run(held, { one: [modern] })).rejects.toMatchObject({
      code: 'PASS_NEEDS_OPSET',
      message: expect.stringContaining('BatchNormalization "norm"'),
      hint: expect.not.stringContaining('upgrade-opset'),
    });
  });

  it.each([1, 0])('names the pass that breaks the graph, though it reports %i changes', async (changed) => {
    const careless = make('careless', {
      apply(model) {
        const late = addNode(model.graph, { opType: 'Neg', inputs: [model.graph.inputs[0]!] });
        (model.graph.nodes[0]!.inputs as (Value | null)[])[0] = late.outputs[0]!;
        return { changed, skipped: [] };
      },
    });
    await expect(run(network(), { one: [steepen, careless] })).rejects.toMatchObject({
      code: 'PASS_BROKE_GRAPH',
      message: expect.stringContaining('careless'),
    });
  });

  it('refuses a source that does not hang together', async () => {
    const source = network();
    source.graph.nodes.reverse();
    await expect(run(source, { one: [steepen] })).rejects.toMatchObject({ code: 'GRAPH_INVALID' });
  });

  it('asks the data once a stage for what all of its passes want', async () => {
    const asked: StatisticRequest[][] = [];
    const statistics: Statistics = { samples: 3, range: () => ({ min: 1, max: 2 }) };
    const seen: number[] = [];
    const look = make('look', {
      apply: (_model, _options, context) => {
        seen.push(context.statistics.samples);
        return { changed: 0, skipped: [] };
      },
    });
    const { journal } = await run(
      network(),
      { one: [ask('p', 'a'), look, ask('q', 'y')], two: [look] },
      {
        calibrate: async (_, requests) => {
          asked.push([...requests]);
          return statistics;
        },
      },
    );
    expect(asked.map((list) => list.map((r) => r.value))).toEqual([['a', 'y']]);
    expect(journal.stages.map((s) => s.observed)).toEqual([2, 0]);
    expect(seen).toEqual([3, 0]);
  });

  it('needs data when a pass asks for statistics', async () => {
    await expect(run(network(), { one: [ask('p', 'a')] })).rejects.toMatchObject({
      code: 'CALIBRATION_REQUIRED',
      message: expect.stringContaining('"a"'),
    });
  });

  it('checks what a pass requires before any data are run', async () => {
    const picky = make('picky', {
      needs: () => ({ calibration: true }),
      observe: () => [{ kind: 'range', value: 'a' }],
      requires() {
        throw new Error('not with this model');
      },
    });
    const calibrate = () => Promise.reject(new Error('data were run'));
    await expect(run(network(), { one: [picky] }, { calibrate })).rejects.toThrow('not with this model');
  });

  it('stops between passes when told to', async () => {
    const stop = new AbortController();
    const reached: string[] = [];
    const trip = make('trip', {
      apply() {
        stop.abort();
        return { changed: 0, skipped: [] };
      },
    });
    const after = make('after', {
      apply() {
        reached.push('after');
        return { changed: 0, skipped: [] };
      },
    });
    await expect(run(network(), { one: [trip, after] }, { signal: stop.signal })).rejects.toThrow(/abort/i);
    expect(reached).toEqual([]);
  });
});
