/** The int8 presets on the shipped models: accuracy on samples that did not calibrate, in both runtimes, the size of
 *  the file, and which kernels onnxruntime really runs. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, type PresetName, preset } from '../../../src/compress/compress.ts';
import { decisionOf } from '../../../src/compress/quant/layers.ts';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { openData } from '../../../src/data/open.ts';
import type { DataSource, Sample, Split } from '../../../src/data/source.ts';
import { splitData } from '../../../src/data/split.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';
import { nodesOf } from '../../../src/model/ir/walk.ts';
import { countOps, optimisedNodes } from '../../optimised-model.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/', import.meta.url));

interface Shipped {
  readonly model: string;
  readonly data: string;
  /** Upper bounds of size after ÷ before: a quarter, and what scales, biases and graph structure add to small files. */
  readonly sizes: Record<'int8-static' | 'int8-dynamic' | 'int8-weights', number>;
}

const shipped: Shipped[] = [
  {
    model: 'glyphs-cnn',
    data: 'glyphs',
    sizes: { 'int8-static': 0.36, 'int8-dynamic': 0.31, 'int8-weights': 0.31 },
  },
  {
    model: 'glyphs-mlp',
    data: 'glyphs-grey.npz',
    sizes: { 'int8-static': 0.28, 'int8-dynamic': 0.28, 'int8-weights': 0.27 },
  },
  {
    model: 'sequence-lstm',
    data: 'sentiment.npz',
    sizes: { 'int8-static': 0.33, 'int8-dynamic': 0.33, 'int8-weights': 0.33 },
  },
  {
    model: 'sequence-gru',
    data: 'waves.npz',
    sizes: { 'int8-static': 0.35, 'int8-dynamic': 0.34, 'int8-weights': 0.34 },
  },
  {
    model: 'sequence-transformer',
    data: 'sentiment.npz',
    sizes: { 'int8-static': 0.41, 'int8-dynamic': 0.41, 'int8-weights': 0.37 },
  },
];
const runs = (['int8-static', 'int8-dynamic', 'int8-weights'] as const).flatMap((name) =>
  (['wasm', 'node'] as const).map((target) => ({ name, target })),
);

let node: Engine;
let wasm: Engine;
beforeAll(async () => {
  node = await openEngine('node');
  wasm = await openEngine('wasm');
});

describe.each(shipped)('$model', ({ model, data, sizes }) => {
  const bytes = readFileSync(`${fixtures}models/${model}.onnx`);
  let source: DataSource;
  let split: Split;
  let float: number;
  beforeAll(async () => {
    const session = await node.open({ bytes });
    source = await openData(`${fixtures}data/${data}`, session.inputs, { seed: 1 });
    await session.close();
    split = await splitData(source, { calibration: 100, seed: 3 });
    float = await accuracy(node, bytes);
  });

  const decoded = new Map<number, Promise<Sample>>();
  const sample = (index: number): Promise<Sample> => {
    const known = decoded.get(index) ?? source.read(index);
    decoded.set(index, known);
    return known;
  };

  async function accuracy(engine: Engine, file: Uint8Array): Promise<number> {
    const session = await engine.open({ bytes: file });
    let right = 0;
    for (const i of split.evaluation) {
      const { inputs, label } = await sample(i);
      const scores = numbers((await session.run(inputs))['scores']!);
      if (scores.indexOf(Math.max(...scores)) === label) right++;
    }
    await session.close();
    return (100 * right) / split.evaluation.length;
  }

  async function compressed(name: PresetName, target: 'wasm' | 'node'): Promise<Model> {
    const samples = {
      count: split.calibration.length,
      read: (i: number) => sample(split.calibration[i]!),
    };
    const result = await compressModel(decodeModel(bytes), {
      recipe: { ...preset(name), target },
      engine: node,
      calibrate: (m, requests) => observe(node, m, requests, samples),
    });
    return result.model;
  }

  it.each(runs)(
    '$name for $target: small, as right as float in both runtimes, and really int8',
    async (run) => {
      const result = await compressed(run.name, run.target);
      const file = encodeModel(result);
      expect(file.length / bytes.length).toBeLessThanOrEqual(sizes[run.name]);
      for (const engine of [node, wasm])
        expect(await accuracy(engine, file), `top-1 in ${engine.name}`).toBeGreaterThanOrEqual(float - 1);

      const kernels = countOps(await optimisedNodes(result));
      const count = (...ops: string[]) => ops.reduce((n, op) => n + (kernels[op] ?? 0), 0);
      expect(count('QLinearConv')).toBe(computedInt8(result, 'Conv'));
      const convs = countOps([...nodesOf(result)])['Conv'] ?? 0;
      expect(count('Conv', 'FusedConv')).toBe(convs - computedInt8(result, 'Conv'));
      expect(count('QGemm')).toBe(computedInt8(result, 'Gemm'));
      expect(count('MatMulIntegerToFloat', 'DynamicQuantizeMatMul', 'QLinearMatMul')).toBe(
        computedInt8(result, 'MatMul') + computedInt8(result, 'MatMulInteger'),
      );
      // What is left of these would mean that a pattern was not recognised and runs piece by piece.
      expect(count('MatMulInteger', 'ConvInteger', 'MatMulNBits')).toBe(0);
    },
  );
});

/** Nodes that the passes say compute on integers. */
const computedInt8 = (model: Model, opType: string) =>
  [...nodesOf(model)].filter(
    (n) => n.opType === opType && ['int8', 'int8-dynamic'].includes(decisionOf(n)?.precision ?? ''),
  ).length;

describe('what the targets are for', () => {
  it('glyphs-cnn has depthwise convolutions that stay float in wasm and become int8 natively', async () => {
    const calibrate = async () => ({ samples: 1, range: () => ({ min: -4, max: 4 }) });
    const source = decodeModel(readFileSync(`${fixtures}models/glyphs-cnn.onnx`));
    const kernelsFor = async (target: 'wasm' | 'node') => {
      const recipe = { ...preset('int8-static'), target };
      const { model } = await compressModel(source, { recipe, engine: node, calibrate });
      return optimisedNodes(model);
    };
    const isDepthwise = (n: {
      opType: string;
      attributes: ReadonlyMap<string, { type: string; value?: unknown }>;
    }) => Number(n.attributes.get('group')?.value ?? 1) > 1;
    const onWasm = (await kernelsFor('wasm')).filter(isDepthwise).map((n) => n.opType);
    const natively = (await kernelsFor('node')).filter(isDepthwise).map((n) => n.opType);
    expect(onWasm).toHaveLength(2);
    expect(onWasm).not.toContain('QLinearConv');
    expect(natively).toEqual(['QLinearConv', 'QLinearConv']);
  });
});
