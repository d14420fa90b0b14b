import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { addOutput } from '../../../src/model/ir/edit.ts';
import { isGraphOutput, type Model } from '../../../src/model/ir/model.ts';
import { formatType, type ValueType } from '../../../src/model/ir/type.ts';
import { evaluate, symbolsOf } from '../../../src/model/ops/dims.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { isValidModel } from '../../invalid-models.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

/** Sizes for the symbols of the models' inputs; unnamed ones by "input.axis". All differ from 1 and from each other where
 *  the models allow it, so that a mix-up shows. */
const sizes: Readonly<Record<string, number>> = {
  N: 2,
  batch: 2,
  batch_size: 2,
  seq: 5,
  sequence: 576,
  unk__749: 2,
  'p2o.DynamicDimension.0': 2,
  'p2o.DynamicDimension.1': 48,
  'p2o.DynamicDimension.2': 192,
  'x.0': 2,
  'x.2': 64,
  'x.3': 96,
  'input.0': 2,
  'input.1': 576,
  'state.1': 2,
};

/** Values whose rank depends on sizes: torch exports squeeze() as an If whose branches differ in rank. */
const openRanks: Readonly<Record<string, number>> = { 'silero_vad_16k_op15.onnx': 9 };

const models = zoo
  ? readdirSync(join(zoo, 'models'), { recursive: true, encoding: 'utf8' })
      // The variant with pre- and post-processing uses operators that no engine here has.
      .filter((f) => f.endsWith('.onnx') && !f.includes('pre_post') && isValidModel(f))
      .sort()
  : [];

/** onnxruntime runs the model with every intermediate value as an output; its sizes are the oracle. */
describe.skipIf(!zoo)('shape inference against onnxruntime on the zoo (needs EDGEPRESS_ZOO)', () => {
  it.each(models)('every value of %s has the inferred type when it runs', async (file) => {
    const ort = (await import('onnxruntime-node')).default;
    const model = readModelFile(join(zoo!, 'models', file));
    inferShapes(model);
    const feeds = inputsFor(model);
    const inferred = exposeAll(model);
    const session = await ort.InferenceSession.create(encodeModel(model), {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 3,
    });
    const results = await session.run(
      Object.fromEntries([...feeds].map(([k, f]) => [k, new ort.Tensor(f.dtype, f.data, f.dims)])),
    );
    const bindings: Record<string, number> = { ...sizes };
    const wrong: string[] = [];
    let unknownRank = 0;
    for (const [name, actual] of Object.entries(results)) {
      const type = inferred.get(name)!;
      if (type?.kind === 'tensor' && !type.shape) unknownRank++;
      else if (!fits(type, actual, bindings))
        wrong.push(`${name}: inferred ${formatType(type)}, is ${actual.type} [${actual.dims}]`);
    }
    expect(wrong).toEqual([]);
    expect(unknownRank).toBe(openRanks[file.split('/').pop()!] ?? 0);
  });
});

/** A size with a name of its own is bound to what is seen first, and must be the same from then on. */
function fits(
  type: ValueType | null,
  actual: { type: string; dims: readonly number[] },
  bindings: Record<string, number>,
): boolean {
  if (type?.kind !== 'tensor' || type.dtype !== actual.type || type.shape?.length !== actual.dims.length)
    return false;
  return type.shape.every((d, i) => {
    const size = actual.dims[i]!;
    if (typeof d === 'string' && evaluate(d, bindings) === null && symbolsOf(d)[0] === d) bindings[d] = size;
    return evaluate(d, bindings) === size;
  });
}

interface Feed {
  dtype: 'int64' | 'float32';
  data: BigInt64Array | Float32Array;
  dims: number[];
}

function inputsFor(model: Model): Map<string, Feed> {
  const feeds = new Map<string, Feed>();
  for (const v of model.graph.inputs) {
    if (v.constant || v.type?.kind !== 'tensor') continue;
    const dims = v.type.shape!.map((d, i) =>
      typeof d === 'number' ? d : (sizes[d!] ?? sizes[`${v.name}.${i}`]!),
    );
    const count = dims.reduce((a, b) => a * b, 1);
    const whole = v.type.dtype === 'int64';
    const data = whole
      ? BigInt64Array.from({ length: count }, (_, i) => (v.name === 'sr' ? 16000n : BigInt(i % 3)))
      : Float32Array.from({ length: count }, (_, i) => Math.sin(i));
    feeds.set(v.name, { dtype: whole ? 'int64' : 'float32', data, dims });
  }
  return feeds;
}

/** Makes every value an output; shapes are taken out so that the runtime checks nothing itself. */
function exposeAll(model: Model): Map<string, ValueType | null> {
  const values = model.graph.nodes.flatMap((n) => n.outputs.filter((v) => v !== null));
  const types = new Map(values.map((v) => [v.name, v.type]));
  for (const v of values) {
    if (!isGraphOutput(v)) addOutput(model.graph, v);
    if (v.type?.kind === 'tensor') v.type = { ...v.type, shape: null };
  }
  return types;
}
