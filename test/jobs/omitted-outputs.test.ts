/** Nodes whose first output is left out, as their operators allow, and weights that are results too: compressed as any others.
 *  The oracle is onnxruntime, which runs original and result. */
import { expect, it } from 'vitest';
import { type CompressOptions, compress, decodeModel, encodeModel } from '../../src/index.ts';
import { parseModel } from '../../src/model/formats/onnx-text/parse-model.ts';
import { printModel } from '../../src/model/formats/onnx-text/print-model.ts';
import { addInitializer, removeInput } from '../../src/model/ir/edit.ts';
import { type Model, shapeOf } from '../../src/model/ir/model.ts';
import { numbers, tensorOf } from '../../src/model/ir/tensor.ts';
import { normalTensor } from '../run-model.ts';

/** Gives weights, the inputs called w…, seeded numbers of a usual size. */
function withWeights(text: string): Model {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>\n${text}`);
  for (const [seed, value] of [...model.graph.inputs].entries()) {
    if (!value.name.startsWith('w')) continue;
    removeInput(model.graph, value);
    const { dims, ...of } = normalTensor(shapeOf(value) as number[], seed + 1);
    addInitializer(
      model.graph,
      value,
      tensorOf(
        'float32',
        dims,
        numbers({ dims, ...of }).map((x) => x / 10),
      ),
    );
  }
  return model;
}

const recurrent = (op: string, gates: number, outputs: string) => `
g (float[5,1,16] x, float[1,${gates * 64},16] w1, float[1,${gates * 64},64] w2, float[64,64] w3) => (float[1,1,64] y) {
  ${outputs} = ${op} <hidden_size = 64> (x, w1, w2)
  y = MatMul(h, w3)
}`;

const texts: Record<string, string> = {
  LSTM: recurrent('LSTM', 4, '"", h, ""'),
  GRU: recurrent('GRU', 3, '"", h'),
  RNN: recurrent('RNN', 1, '"", h'),
  Split: `
g (float[4,128] x, float[64,64] w1) => (float[4,64] y) {
  "", h = Split <axis = 1> (x)
  y = MatMul(h, w1)
}`,
};

const requests = {
  int8: { int8: 'dynamic' },
  weights: { int8: 'weights' },
  fp16: { fp16: true },
} satisfies Record<string, CompressOptions>;

/** Least signal to noise of any output; int8 of Gaussian weights stays above 28 dB. */
async function quality(model: Model, options: CompressOptions): Promise<number> {
  const { report } = await compress(model, { measure: false, target: 'node', data: 'synthetic', ...options });
  return Math.min(...report.compare!.outputs.map((o) => o.sqnrDb ?? Number.POSITIVE_INFINITY));
}

it.each(Object.keys(texts))('a first output of %s that is left out stays so in files', (name) => {
  const model = withWeights(texts[name]!);
  const read = decodeModel(encodeModel(model));
  for (const each of [model, read]) expect(printModel(each)).toContain(`"", h`);
  expect(encodeModel(read)).toEqual(encodeModel(model));
});

it.each(
  // onnxruntime dies with a Split whose first output has no name, before and after.
  ['LSTM', 'GRU', 'RNN'].flatMap((name) =>
    (Object.keys(requests) as (keyof typeof requests)[]).map((how) => [name, how] as const),
  ),
)('%s without its first output is compressed by %s', async (name, how) => {
  expect(await quality(withWeights(texts[name]!), requests[how])).toBeGreaterThan(28);
});

// Stored in int8 alone it would save nothing: the result is in floats.
it.each(['int8', 'fp16'] as const)('a weight that is a result too is compressed by %s', async (how) => {
  const model = withWeights(`
g (float[4,64] x, float[64,64] w) => (float[4,64] y, float[64,64] w) {
  h = MatMul(x, w)
  y = Relu(h)
}`);
  expect(await quality(model, requests[how])).toBeGreaterThan(28);
});
