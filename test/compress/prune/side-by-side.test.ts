/** A model and its pruned twin in one graph: what is fetched is what each of them gives alone. */
import { beforeAll, describe, expect, it } from 'vitest';
import { pruneModel } from '../../../src/compress/prune/prune.ts';
import { openSideBySide, type SideBySideOptions } from '../../../src/compress/prune/side-by-side.ts';
import type { Samples } from '../../../src/compute/calibrate/run-samples.ts';
import { stackedSamples } from '../../../src/compute/calibrate/stacked.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { setOutputs } from '../../../src/model/ir/edit.ts';
import type { Model, Value } from '../../../src/model/ir/model.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const count = 5;
const feeds = (model: Model, i: number) =>
  seededFeeds(model, 10 + i, { dims: { batch: 1, sequence: 6 }, integers: 20 });

/** The value as the model alone gives it, for each sample. */
async function alone(model: Model, name: string): Promise<Tensor[]> {
  const copy = cloneModel(model);
  setOutputs(copy.graph, [findValue(copy, name) as Value]);
  const found: Tensor[] = [];
  for (let i = 0; i < count; i++) {
    const out = Object.values(await runModel(engine, copy, feeds(model, i)))[0] as Tensor;
    found.push(out);
  }
  return found;
}

describe('two models side by side', () => {
  const cases: readonly (readonly [string, SideBySideOptions])[] = [
    ['all that later nodes read is kept', {}],
    ['nothing can be kept', { memoryBytes: 0 }],
    ['some of it can be kept', { memoryBytes: 150_000 }],
  ];
  const networks = ['digits-cnn', 'digits-vit', 'sentiment-encoder'];

  it.each(networks.flatMap((n) => cases.map(([title, options]) => [n, title, options] as const)))(
    '%s: every layer gives what it gives alone, where %s',
    async (network, _, options) => {
      const dense = readModelFile(`fixtures/models/${network}.onnx`);
      const pruned = cloneModel(dense);
      pruneModel(pruned, { target: { macs: 0.5 } });
      const one: Samples = { count, read: async (i) => ({ id: `${i}`, inputs: feeds(dense, i) }) };
      const stack = network === 'digits-cnn' ? 2 : 1;
      const samples = await stackedSamples(one, dense.graph, stack);
      const pair = openSideBySide(engine, dense, pruned, samples, { stack, ...options });
      const layers = pruned.graph.nodes.filter((n) => ['Conv', 'Gemm', 'MatMul'].includes(n.opType));
      for (const node of layers.filter((_, i) => i % 4 === 0)) {
        const answer = node.outputs[0] as Value;
        await pair.advance(node);
        const found: [number[], number[]] = [[], []];
        await pair.run(
          (joint) => [joint.dense(answer.name) as Value, joint.pruned(answer) as Value],
          (tensors) => {
            for (const [k, t] of tensors.entries()) found[k]!.push(...numbers(t));
          },
        );
        for (const [k, model] of [dense, pruned].entries()) {
          const expected = (await alone(model, answer.name)).flatMap((t) => [...numbers(t)]);
          const largest = Math.max(...expected.map(Math.abs));
          const gap = Math.max(...expected.map((v, i) => Math.abs(v - found[k]![i]!)));
          expect(found[k]).toHaveLength(expected.length);
          // float32, in another order where nodes are fused.
          expect(gap, answer.name).toBeLessThanOrEqual(1e-4 * largest);
        }
      }
    },
  );

  it('go past nodes that make nothing that is read', async () => {
    const dense = parseModel(
      `<ir_version: 8, opset_import: ["" : 17]> g (float[N,2] x) => (float[N,2] y) {
        unread = Relu (x) a = Neg (x) y = Abs (a) }`,
      'g',
    );
    const pruned = cloneModel(dense);
    const samples: Samples = { count, read: async (i) => ({ id: `${i}`, inputs: seededFeeds(dense, i) }) };
    const pair = openSideBySide(engine, dense, pruned, samples);
    for (const node of pruned.graph.nodes.slice(1)) {
      await pair.advance(node);
      const answer = node.outputs[0] as Value;
      const gaps: number[] = [];
      await pair.run(
        (joint) => [joint.dense(answer.name) as Value, joint.pruned(answer) as Value],
        ([a, b]) => gaps.push(largestDifference(a!, b!).difference),
      );
      expect(gaps).toEqual(Array(count).fill(0));
    }
  });
});
