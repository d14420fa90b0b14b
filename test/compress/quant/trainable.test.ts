/** From a calibrated int8 model to the form that trains, and back. onnxruntime runs both. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Recipe } from '../../../src/compress/pipeline/recipe.ts';
import { fold, integers, unfold } from '../../../src/compress/quant/trainable.ts';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { openData } from '../../../src/data/open.ts';
import type { DataSource } from '../../../src/data/source.ts';
import { trainInt8 } from '../../../src/jobs/train-int8.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { setConstant } from '../../../src/model/ir/edit.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { createRandom } from '../../../src/support/random.ts';
import { countOps, optimisedNodes } from '../../optimised-model.ts';
import { openExactEngine } from '../../saturating-sums.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/', import.meta.url));

let engine: Engine;
/** Adds up products with int8 weights exactly. */
let exact: Engine;
let source: DataSource;
beforeAll(async () => {
  engine = await openEngine();
  exact = await openExactEngine();
  const port = { name: 'image', dtype: 'float32', shape: [null, 3, 32, 32] } as const;
  source = await openData(`${fixtures}data/glyphs`, [port], { seed: 0 });
});

function recipeOf(target: Recipe['target'], weightBits: number): Recipe {
  const base = preset('int8-static');
  const options: Record<string, Record<string, unknown>> = {
    'upgrade-opset': { target: weightBits === 4 ? 21 : 17 },
    'quantize-static': { weightBits },
  };
  const stages = base.stages.map((stage) => ({
    ...stage,
    passes: stage.passes.map((step) => ({ ...step, options: { ...step.options, ...options[step.pass] } })),
  }));
  return { ...base, target, stages };
}

type Refine = (quantized: Model, clean: Model) => Promise<void>;

async function compress(target: Recipe['target'], weightBits: number, refine: Refine): Promise<Model> {
  const model = decodeModel(readFileSync(`${fixtures}models/glyphs-cnn.onnx`));
  const done = await compressModel(model, {
    recipe: recipeOf(target, weightBits),
    engine,
    calibrate: (current, requests) =>
      observe(engine, current, requests, { count: 20, read: (i) => source.read(i * 25) }, { mseSamples: 4 }),
    refine,
  });
  return done.model;
}

/** What quantize-static made of glyphs-cnn, and the float model before it. */
async function calibrated(target: Recipe['target'], weightBits: number) {
  let found: { quantized: Model; clean: Model } | undefined;
  await compress(target, weightBits, async (quantized, clean) => {
    found = { quantized: cloneModel(quantized), clean: cloneModel(clean) };
  });
  return found as { quantized: Model; clean: Model };
}

const constants = (model: Model) =>
  Object.fromEntries(
    [...model.graph.initializers].map((v) => [v.name, [v.constant!.dtype, ...numbers(v.constant!)]]),
  );

const tensors = (model: Model): Record<string, Tensor> =>
  Object.fromEntries([...model.graph.initializers].map((v) => [v.name, v.constant!]));

/** @param kernels  'integer': those that onnxruntime fuses; 'float': node by node, as written */
async function logits(model: Model, kernels: 'integer' | 'float', on = exact): Promise<Float32Array> {
  const session = await openKernel(on, model, { optimization: kernels === 'float' ? 'none' : 'all' });
  const all: number[] = [];
  for (let i = 0; i < 40; i++) {
    const { inputs } = await source.read(i * 12 + 5);
    const out = await session.run(inputs);
    all.push(...float32Values(Object.values(out)[0]!));
  }
  await session.close();
  return Float32Array.from(all);
}

/** Root mean square of the difference, as a share of that of the values. */
function distance(a: Float32Array, b: Float32Array): number {
  const square = (v: (i: number) => number) => a.reduce((sum, _, i) => sum + v(i) ** 2, 0);
  return Math.sqrt(square((i) => a[i]! - b[i]!) / square((i) => b[i]!));
}

/** Sums on the edge of a step fall to either side, as biases are rounded in one of the two only; a step is 1/255 of an
 *  activation's range. */
const close = 0.02;

const forms = [
  ['node', 8],
  ['node', 4],
  ['wasm', 8],
  ['wasm', 4],
  ['mobile', 8],
] as const;

describe.each(forms)('glyphs-cnn for %s with weights of %i bits', (target, bits) => {
  let quantized: Model;
  let clean: Model;
  beforeAll(async () => {
    ({ quantized, clean } = await calibrated(target, bits));
  });

  it('has the same integers, biases and scales after unfolding and folding without training', () => {
    const trainable = unfold(quantized, clean);
    verifyModel(trainable.model);
    const copy = cloneModel(quantized);
    fold(copy, trainable, tensors(trainable.model));
    expect(constants(copy)).toEqual(constants(quantized));
  });

  it('computes in its trainable form what the integers compute', async () => {
    const { model } = unfold(quantized, clean);
    expect(distance(await logits(quantized, 'integer'), await logits(model, 'float'))).toBeLessThan(close);
  });

  it('takes over whatever training made of weights, biases and scales', async () => {
    const trainable = unfold(quantized, clean);
    const random = createRandom(5);
    const learnt = new Set([...trainable.floats.values(), ...trainable.scales.map((s) => s.name)]);
    for (const v of trainable.model.graph.initializers) {
      if (!learnt.has(v.name)) continue;
      const values = float32Values(v.constant!).map((x) => x * (1 + 0.1 * random.normal()));
      setConstant(v, tensorOf('float32', v.constant!.dims, values));
    }
    const copy = cloneModel(quantized);
    fold(copy, trainable, tensors(trainable.model));
    verifyModel(copy);
    const wanted = await logits(trainable.model, 'float');
    // For Node neighbours that moved too far are moved back, which the trained form doesn't know.
    const near = target === 'node' && bits === 8 ? 6 * close : close;
    expect(distance(await logits(copy, 'integer'), wanted)).toBeLessThan(near);
    expect(distance(await logits(quantized, 'integer'), wanted)).toBeGreaterThan(4 * close);
  });
});

describe('weights of 4 bits', () => {
  it('give on wasm what they give natively', async () => {
    const { quantized } = await calibrated('wasm', 4);
    const wasm = await openEngine('wasm');
    expect(
      distance(await logits(quantized, 'integer', wasm), await logits(quantized, 'integer')),
    ).toBeLessThan(close);
  });
});

describe('training glyphs-cnn with weights of 4 bits', () => {
  it('lowers the loss, and leaves the integer kernels that it found', async () => {
    const plain = await compress('node', 4, async () => {});
    let losses: number[] = [];
    const trained = await compress('node', 4, async (quantized, clean) => {
      const record = await trainInt8(quantized, clean, {
        engine,
        source: { ...source, labelled: false },
        indices: Array.from({ length: 260 }, (_, i) => Math.floor((i * 500) / 260)),
        settings: { epochs: 4, batch: 26, learningRate: 2e-3 },
        events: {},
      });
      losses = record.epochs.map((e) => e.loss);
      expect(record.metric).toBe('agreement');
    });
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
    const kernels = countOps(await optimisedNodes(trained));
    expect(kernels).toEqual(countOps(await optimisedNodes(plain)));
    expect(kernels['QLinearConv']).toBeGreaterThan(5);
    expect(kernels['Cast']).toBeUndefined();
    const scales = [...trained.graph.initializers].filter((v) => v.constant!.dtype === 'float32');
    expect(scales.every((v) => float32Values(v.constant!).every((s) => s > 0))).toBe(true);
  }, 60_000);
});

describe('integers of a weight', () => {
  it('are those of ONNX QuantizeLinear: ties to even, ends clipped, each channel by its scale', () => {
    const weight = tensorOf('float32', [2, 4], [0.5, 1.5, -2.5, 900, 1, -1, 0.26, -300]);
    const scale = Float32Array.from([1, 0.5]);
    expect([...integers(weight, scale, 0, 0, 'int8')]).toEqual([0, 2, -2, 127, 2, -2, 1, -128]);
    expect([...integers(weight, scale, 0, 0, 'int4')]).toEqual([0, 2, -2, 7, 2, -2, 1, -8]);
    expect([...integers(weight, Float32Array.of(1), null, 128, 'uint8')]).toEqual([
      128, 130, 126, 255, 129, 127, 128, 0,
    ]);
  });
});
