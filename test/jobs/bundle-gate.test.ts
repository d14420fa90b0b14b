/** The gate on a real WebGPU: Chromium, in software where there is no GPU. Skipped where no Chromium is found. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open.ts';
import { createGate, type Gate } from '../../src/jobs/bundle-gate.ts';
import { compress } from '../../src/jobs/compress.ts';
import { encodeModel } from '../../src/model/formats/onnx/index.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { writeTflite } from '../../src/model/formats/tflite/write/write.ts';
import { setConstant } from '../../src/model/ir/edit.ts';
import { constantOf, type Model } from '../../src/model/ir/model.ts';
import { outputPortsOf, portsOf } from '../../src/model/ir/port.ts';
import { float32Values, tensorOf } from '../../src/model/ir/tensor.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';

const original = 'fixtures/models/glyphs-cnn.onnx';
const bytes = new Uint8Array(readFileSync(original));

function withWrongWeights(): Uint8Array {
  const { model }: { model: Model } = openModel(original);
  for (const value of model.graph.initializers) {
    const tensor = constantOf(value);
    if (tensor?.dtype !== 'float32' || tensor.dims.length === 0) continue;
    const wrong = float32Values(tensor).map((x) => -3 * x);
    setConstant(value, tensorOf('float32', tensor.dims, wrong));
  }
  return encodeModel(model);
}

describe.skipIf(!findBrowser('chromium'))('the gate on WebGPU (skipped: no Chromium found)', () => {
  let gate: Gate;
  let data: Parameters<typeof createGate>[0]['data'];
  beforeAll(async () => {
    const source = await openData('fixtures/data/glyphs', portsOf(openModel(original).model), { seed: 0 });
    data = { source, indices: Array.from({ length: 12 }, (_, i) => i * 40) };
    gate = createGate({ original: openModel(original), data, budget: { minAgreement: 0.9, minSqnrDb: 10 } });
  });
  afterAll(() => gate?.close());

  /** What WebGPU gets is `model`; everywhere else the original runs, which agrees with itself. */
  const check = (model: Uint8Array, providers: ('webgpu' | 'wasm')[]) => {
    let asked = 0;
    const engineSource = () => ({ bytes: asked++ === 0 ? bytes : model });
    return gate.check(
      { engine: 'wasm', providers, requires: ['webgpu'], format: 'onnx', outputs: [] },
      { name: 'variant', engineSource },
      () => {},
    );
  };

  it('lets through what computes the same there, and notes on which GPU it was tried', async () => {
    const result = await check(bytes, ['webgpu', 'wasm']);
    expect(result).toMatchObject({ refused: null, providers: ['webgpu', 'wasm'], notes: [] });
    expect(result.parity.map((p) => p.runtime)[0]).toMatch(/^onnxruntime-web [\d.]+ \(webgpu, Chromium/);
    expect(result.parity[0]!.samples).toBe(4);
  });

  it('refuses a variant that is made for WebGPU and wrong there', async () => {
    const { refused } = await check(withWrongWeights(), ['webgpu']);
    expect(refused).toMatch(/^on WebGPU: same top-1 on .* of rows of "scores"/);
  });

  it('leaves WebGPU out of the places of a variant that is right elsewhere, and says why', async () => {
    const result = await check(bytes.slice(0, 2000), ['webgpu', 'wasm']);
    expect(result).toMatchObject({ refused: null, providers: ['wasm'] });
    expect(result.notes[0]).toMatch(/^not offered for WebGPU: ./);
  });

  it('tries half floats in Firefox where the GPU that Chromium has lacks them (skipped: neither has them)', async ({
    skip,
  }) => {
    const { files } = await compress(bytes, { fp16: true, target: 'webgpu' });
    const result = await gate.check(
      {
        engine: 'wasm',
        providers: ['webgpu'],
        requires: ['webgpu', 'shader-f16'],
        format: 'onnx',
        outputs: [],
      },
      { name: 'variant', engineSource: () => ({ bytes: files[0]!.bytes }) },
      () => {},
    );
    if (result.notes.length > 0) skip(result.notes[0]);
    expect(result.refused).toBeNull();
    expect(result.parity[0]).toMatchObject({ samples: 4, top1Agreement: 1 });
    expect(result.parity[0]!.runtime).toMatch(/\(webgpu, /);
    // Half floats were computed: float32 agrees to more than 100 dB.
    expect(result.parity[0]!.sqnrDb!).toBeLessThan(90);
  });

  it('compares a few samples in a page where more would take too much memory, and all of them elsewhere', async () => {
    const budget = { minAgreement: 0.9, minSqnrDb: 10 };
    const small = createGate({ original: openModel(original), data, budget, pageBytes: 1 });
    const outputs = outputPortsOf(openModel(original).model);
    const tflite = writeTflite(openModel(original).model);
    const samples = async (of: Gate) => {
      const result = await of.check(
        { engine: 'wasm', providers: ['wasm'], requires: [], format: 'litert', outputs },
        { name: 'variant', engineSource: () => ({ bytes: tflite }) },
        () => {},
      );
      expect(result.refused).toBeNull();
      return result.parity[0]!.samples;
    };
    try {
      expect([await samples(small), await samples(gate)]).toEqual([4, 12]);
    } finally {
      await small.close();
    }
  });
});
