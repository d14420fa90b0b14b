/** Passes that spoil a model are found and left out: wrong ones of this test, among right ones, judged by onnxruntime. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { loadPasses } from '../../src/compress/compress.ts';
import { runWhatServes } from '../../src/compress/pipeline/leave-out.ts';
import { definePass, type Pass } from '../../src/compress/pipeline/pass.ts';
import { parseRecipe } from '../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../src/compress/pipeline/run.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { createJudge } from '../../src/jobs/try-result.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../src/model/formats/opened.ts';
import { addInitializer, addNode, releaseOutput, removeNode, setAttribute } from '../../src/model/ir/edit.ts';
import type { Model, Node } from '../../src/model/ir/model.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { tryModels } from '../../src/ship/profile/trial.ts';

const source = parseModel(`
<ir_version: 8, opset_import: ["" : 17]>
g (float[2,4] x) => (float[2,4] y) < float one = {1}, float[4] bias = {1, 2, 3, 4} >
{
  a = Identity (x)
  b = Mul (a, one)
  c = LeakyRelu <alpha = 0.125> (b)
  d = Add (c, bias)
  y = Softmax <axis = -1> (d)
}`);

const spoils = (name: string, edit: (node: Node) => void, effect: Pass['effect'] = 'exact') =>
  definePass({
    name,
    summary: 'Wrong on purpose',
    effect,
    options: z.strictObject({}),
    apply(model) {
      const found = model.graph.nodes.filter((n) => n.opType === 'LeakyRelu');
      found.forEach(edit);
      return { changed: found.length, skipped: [] };
    },
  });

/** Computes something else. */
const wrong = spoils('wrong', (node) => setAttribute(node, 'alpha', { type: 'float', value: 2 }));

/** No runtime knows it. */
const refused = spoils('refused', (node) => {
  const [output] = [releaseOutput(node, 0)];
  addNode(node.graph, { opType: 'NoSuchOperator', inputs: node.inputs, outputs: [output] }, node);
  removeNode(node);
});

/** Leaves the graph as no graph may be. */
const broken = spoils('broken', (node) => {
  node.inputs.length = 0;
});

/** Opens, and fails when it runs: there is no fifth row. */
const failing = spoils(
  'failing',
  (node) => {
    const rows = addInitializer(node.graph, 'rows', tensorOf('int64', [2], [4, 4]));
    const [output] = [releaseOutput(node, 0)];
    addNode(node.graph, { opType: 'Gather', inputs: [node.inputs[0]!, rows], outputs: [output] }, node);
    removeNode(node);
  },
  'lossy',
);

/** Computes what is no number. */
const overflowing = spoils(
  'overflowing',
  (node) => setAttribute(node, 'alpha', { type: 'float', value: Number.NaN }),
  'lossy',
);

/** Computes something else, as lossy passes may. */
const coarse = spoils('coarse', (node) => setAttribute(node, 'alpha', { type: 'float', value: 1 }), 'lossy');

async function serve(
  passes: readonly string[],
  model: Model = source,
  { hasRealData = false } = {},
  own: readonly Pass[] = [wrong, refused, broken, failing, overflowing, coarse],
) {
  const engine = await openEngine();
  const known = new Map([...(await loadPasses()), ...own.map((p) => [p.name, p] as const)]);
  const recipe = parseRecipe({
    edgepress: 1,
    name: 'test',
    stages: [{ name: 'clean up', passes: passes.map((pass) => ({ pass })) }],
  });
  return runWhatServes(recipe, {
    run: (what, events) => runRecipe(model, what, { engine, passes: known, ...events }),
    refusal: createJudge(openedFromModel(model), { engine: 'wasm', hasRealData }),
  });
}

const operators = (model: Model) => model.graph.nodes.map((n) => n.opType);

it('leaves a right recipe whole', async () => {
  const { leftOut, result } = await serve(['infer-shapes', 'eliminate-identities']);
  expect(leftOut).toEqual([]);
  expect(operators(result.model)).toEqual(['LeakyRelu', 'Add', 'Softmax']);
});

it('finds the pass that computes something else, and keeps what the others did', async () => {
  const { leftOut, result } = await serve(['infer-shapes', 'wrong', 'eliminate-identities', 'infer-shapes']);
  expect(leftOut).toEqual([
    { pass: 'wrong', reason: expect.stringMatching(/"y" differs from the original's/) },
  ]);
  expect(operators(result.model)).toEqual(['LeakyRelu', 'Add', 'Softmax']);
});

it('finds the pass whose result the runtime refuses, and two in one recipe', async () => {
  const { leftOut } = await serve(['eliminate-identities', 'wrong', 'refused']);
  expect(leftOut.map(({ pass }) => pass).sort()).toEqual(['refused', 'wrong']);
  expect(leftOut.map(({ reason }) => reason).join()).toContain('NoSuchOperator');
});

it('leaves out a pass that breaks the graph', async () => {
  const { leftOut, result } = await serve(['broken', 'eliminate-identities']);
  expect(leftOut).toEqual([{ pass: 'broken', reason: expect.stringContaining('inconsistent') }]);
  expect(operators(result.model)).toEqual(['LeakyRelu', 'Add', 'Softmax']);
});

it('finds the lossy pass whose result opens and fails when it runs', async () => {
  const { leftOut, result } = await serve(['eliminate-identities', 'coarse', 'failing']);
  expect(leftOut).toEqual([{ pass: 'failing', reason: expect.stringMatching(/Gather/) }]);
  expect(operators(result.model)).toEqual(['LeakyRelu', 'Add', 'Softmax']);
});

it('finds the lossy pass whose result is not finite, but leaves it where real data were measured', async () => {
  expect((await serve(['coarse', 'overflowing'])).leftOut).toEqual([
    { pass: 'overflowing', reason: expect.stringMatching(/"y" is not finite/) },
  ]);
  expect((await serve(['coarse', 'overflowing'], source, { hasRealData: true })).leftOut).toEqual([]);
});

it('concludes nothing of a lossy pass where the original fails on seeded inputs', async () => {
  const picky = parseModel(`
<ir_version: 8, opset_import: ["" : 17]>
g (int64[1] i, float[2,4] x) => (float[1,4] y) < int64 far = {100} > {
  a = LeakyRelu (x)
  j = Add (i, far)
  y = Gather (a, j)
}`);
  expect((await serve(['coarse', 'failing'], picky)).leftOut).toEqual([]);
});

it('says so when nothing is left', async () => {
  await expect(serve(['refused'])).rejects.toMatchObject({ code: 'PASSES_SPOIL' });
});

it('blames nobody for a model that the runtime refuses as it came', async () => {
  const foreign = parseModel(`
<ir_version: 8, opset_import: ["" : 17, "nowhere" : 1]>
g (float[2] x) => (float[2] y) { a = Identity (x)  y = nowhere.Op (a) }`);
  await expect(serve(['eliminate-identities'], foreign)).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
});

it('judges no answers that change from run to run', async () => {
  const drawing = parseModel(`
<ir_version: 8, opset_import: ["" : 17]>
g (float[2,4] x) => (float[2,4] y) { a = Identity (x)  n = RandomNormalLike (a)  y = Add (a, n) }`);
  expect((await serve(['eliminate-identities'], drawing)).leftOut).toEqual([]);
});

it('survives a runtime that ends its process, names the model, and tries the others', async () => {
  const good = { model: openedFromModel(source), runs: [] };
  // onnxruntime-node 1.30 dies over it, unless the fusion is switched off that takes it apart (onnxruntime-node.ts).
  const half = parseModel(`
<ir_version: 8, opset_import: ["" : 17]>
g (float16[2,3,4] x) => (float16[3,2,5] y) < float16[4,5] w = {15360, 0, 0, 0, 0, 0, 15360, 0, 0, 0, 0, 0, 15360, 0, 0, 0, 0, 0, 15360, 0} >
{ t = Transpose <perm = [1, 0, 2]> (x)  y = MatMul (t, w) }`);
  const opened = openedFromModel(half);
  const blind = {
    name: 'half.onnx',
    engineSource: () => ({ bytes: opened.files[0]!.bytes(), halfWeights: false }),
  };
  const bad = { model: blind, runs: [] };
  // The second time, its process has tried models before.
  for (const models of [[good, bad, good], [bad]]) {
    const tried = await tryModels(models, { engine: 'node' });
    for (const [i, model] of models.entries())
      expect(tried[i]!.failed?.code).toBe(model === bad ? 'RUNTIME_CRASHED' : undefined);
    expect(tried.map(({ opened }) => opened)).toEqual(models.map((model) => model === good));
  }
});
