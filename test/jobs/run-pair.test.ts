import { expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import type { DataSource } from '../../src/data/source.ts';
import { runPair } from '../../src/jobs/run-pair.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../src/model/formats/opened.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { pairedInterval } from '../../src/support/statistics.ts';

const subject = (name: string, body: string) => {
  const text = `<ir_version: 8, opset_import: ["" : 17]> g (float[1,2] x) => (float[1,2] y) ${body}`;
  return { model: openedFromModel(parseModel(text), name) };
};

/** Scores of cat and dog, and which it is. */
const scores = [
  [2, 1, 0],
  [1, 2, 0],
  [1, 2, 1],
] as const;

const source: DataSource = {
  ...{ name: 'pets', kind: 'npz', length: scores.length, labelled: true, targeted: false },
  ...{ classes: ['cat', 'dog'], guessed: [], preprocessing: null, hash: async () => '' },
  read: async (i) => {
    const [cat, dog, label] = scores[i]!;
    return { id: `${i}`, inputs: { x: tensorOf('float32', [1, 2], [cat, dog]) }, label };
  },
};

it('counts what each of two models takes a labelled sample for, under the names of the classes', async () => {
  const same = subject('same', '{ y = Identity (x) }');
  const turned = subject('turned', '{ y = Neg (x) }');
  const options = { engine: await openEngine(), source, indices: [0, 1, 2] };
  const { evaluation } = await runPair(same, turned, options);
  expect(evaluation?.confusionMatrix).toEqual({
    classes: [
      { index: 0, name: 'cat', samples: 2 },
      { index: 1, name: 'dog', samples: 1 },
    ],
    pairs: [
      { truth: 0, predicted: 0, before: 1, after: 1 },
      { truth: 0, predicted: 1, before: 1, after: 1 },
      { truth: 1, predicted: 0, before: 0, after: 1 },
      { truth: 1, predicted: 1, before: 1, after: 0 },
    ],
  });
});

it('gives the change of top-1 accuracy an interval from the samples that both were run on', async () => {
  const [same, turned] = [subject('same', '{ y = Identity (x) }'), subject('turned', '{ y = Neg (x) }')];
  const options = { engine: await openEngine(), source, indices: [0, 1, 2] };
  const { evaluation } = await runPair(same, turned, options);
  const [top] = evaluation!.metrics;
  // Two are right before alone, one after alone.
  const expected = pairedInterval({ both: 0, onlyBefore: 2, onlyAfter: 1, neither: 0 })!;
  expect(top!.changeInterval).toEqual(expected);
  expect(evaluation!.metrics.slice(1).every((m) => m.changeInterval === undefined)).toBe(true);
});

it('has the perplexity of what a decoder was to write, of models that hold encoder and decoder', async () => {
  /** After each token the next one is `more` likelier, in nats, than either of the others. */
  const writer = (more: number) => {
    const table = [0, more, 0, 0, 0, more, more, 0, 0].join();
    const text = `<ir_version: 8, opset_import: ["" : 17]>
      g (int64[B,S] input_ids, int64[B,T] decoder_input_ids) => (float[B,T,3] logits) <float[3,3] table = {${table}}> {
        found = Gather (table, decoder_input_ids)
        source = Cast <to = 1> (input_ids)
        most = ReduceMax <keepdims = 0> (source)
        least = Sub (most, most)
        logits = Add (found, least)
      }`;
    return { model: openedFromModel(parseModel(text), 'writer') };
  };
  const row = (ids: number[]) => tensorOf('int64', [1, ids.length], ids.map(BigInt));
  const pairs: DataSource = {
    ...{ name: 'pairs', kind: 'text', length: 1, labelled: false, classes: null, guessed: [] },
    ...{ preprocessing: null, isRunningText: true, hash: async () => '' },
    read: async () => ({ id: '0', inputs: { input_ids: row([1, 2]), decoder_input_ids: row([0, 1, 2]) } }),
  };
  const options = { engine: await openEngine(), source: pairs, indices: [0] };
  const { evaluation } = await runPair(writer(2), writer(1), options);
  const [perplexity] = evaluation!.metrics;
  expect(perplexity).toMatchObject({ name: 'perplexity', higherIsBetter: false });
  expect(perplexity!.before).toBeCloseTo((2 + Math.E ** 2) / Math.E ** 2, 4);
  expect(perplexity!.after).toBeCloseTo((2 + Math.E) / Math.E, 4);
  expect(evaluation!.tokens).toBe(2);
});
