/** What native targets get runs on processors that add two products in 16 bits. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import { exactScales, keepPairs } from '../../../src/compress/quant/exact-sums.ts';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { openData } from '../../../src/data/open.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';
import type { TargetName } from '../../../src/support/target.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/', import.meta.url));

/** Largest |q₀| + |q₁| of all convolutions' and products' weights, neighbours as [out, …kernel, in] lie. */
async function largestPair(target: TargetName, name: string): Promise<number> {
  const engine = await openEngine();
  const source = await openData(
    `${fixtures}data/glyphs`,
    [{ name: 'image', dtype: 'float32', shape: [null, 3, 32, 32] }],
    { seed: 0 },
  );
  const { model } = await compressModel(decodeModel(readFileSync(`${fixtures}models/${name}.onnx`)), {
    recipe: { ...preset('int8-static'), target },
    engine,
    calibrate: (current, requests) =>
      observe(engine, current, requests, { count: 8, read: (i) => source.read(i * 25) }, { mseSamples: 4 }),
  });
  const weights = [...model.graph.initializers].flatMap(({ constant }) =>
    constant?.dtype === 'int8' && constant.dims.length > 1 ? [constant] : [],
  );
  expect(weights.length).toBeGreaterThan(2);
  return Math.max(...weights.map(pairOf));
}

function pairOf(weight: Tensor): number {
  const [out, inputs, ...kernel] = weight.dims as [number, number, ...number[]];
  if (kernel.length > 0 && inputs === 1) return 0;
  const positions = kernel.reduce((n, d) => n * d, 1);
  const values = numbers(weight);
  const at = (o: number, i: number) =>
    kernel.length > 0
      ? values[(o * inputs + (i % inputs)) * positions + Math.floor(i / inputs)]!
      : values[o * inputs + i]!;
  let most = 0;
  for (let o = 0; o < out; o++)
    for (let i = 1; i < inputs * positions; i++)
      most = Math.max(most, Math.abs(at(o, i)) + Math.abs(at(o, i - 1)));
  return most;
}

describe('int8 weights', () => {
  it('for Node fit into 16 bits two by two, and use what there is', async () => {
    const most = await largestPair('node', 'glyphs-cnn');
    expect(most).toBeLessThanOrEqual(128);
    expect(most).toBeGreaterThanOrEqual(126);
  });

  it('for phones, whose products are exact, use all of eight bits', async () => {
    expect(await largestPair('mobile', 'glyphs-cnn')).toBeGreaterThan(150);
  });

  it('that training moved too far are moved back, the larger of two', () => {
    const levels = Int32Array.from([100, 50, 3, -127, 127, 0]);
    keepPairs(levels, [2, 3], [0, 1]);
    expect([...levels]).toEqual([78, 50, 3, -127, 1, 0]);
  });
});

describe('least scales', () => {
  it('are one in all where a weight has one', () => {
    expect([...exactScales(Float32Array.of(127, 254), 0)]).toEqual([1, 2]);
    expect([...exactScales(Float32Array.of(127, 254), null)]).toEqual([2]);
  });
});
