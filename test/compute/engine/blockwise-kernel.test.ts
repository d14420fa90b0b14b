/** Blocks of 4 and 8 bits against onnxruntime: what MatMulNBits makes of them is x times the weights that the packing
 *  stands for, unpacked here by the definition in onnxruntime's ContribOperators. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BlockedWeight,
  type BlockQuantizer,
  type BlockSpec,
  createBlockQuantizer,
} from '../../../src/compute/engine/blockwise-kernel.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';
import { runKernel } from './run-kernel.ts';

let native: Engine;
let wasm: Engine;
let quantizer: BlockQuantizer;
beforeAll(async () => {
  native = await openEngine('node');
  wasm = await openEngine('wasm');
  quantizer = createBlockQuantizer(native);
});
afterAll(() => quantizer.close());

const random = (dims: number[], seed: number) => {
  const source = createRandom(seed);
  const count = dims.reduce((a, b) => a * b, 1);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: count }, () => source.normal()),
  );
};

/** [rows, columns] */
function unpacked(w: BlockedWeight, { bits, blockSize }: BlockSpec, columns: number): number[][] {
  const [rows, blocks, bytes] = w.packed.dims as [number, number, number];
  const stored = numbers(w.packed);
  const scales = float32Values(w.scales);
  const points = w.zeroPoints && numbers(w.zeroPoints);
  const nibble = (list: number[], start: number, i: number) =>
    bits === 8 ? list[start + i]! : (list[start + (i >> 1)]! >> (4 * (i & 1))) & 15;
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: columns }, (_, k) => {
      const b = Math.floor(k / blockSize);
      const q = nibble(stored, (r * blocks + b) * bytes, k % blockSize);
      const z = points ? nibble(points, r * w.zeroPoints!.dims[1]!, b) : 2 ** (bits - 1);
      return (q - z) * scales[r * blocks + b]!;
    }),
  );
}

async function product(
  engine: Engine,
  x: Tensor,
  w: BlockedWeight,
  spec: BlockSpec,
  k: number,
  level: number,
) {
  const n = w.packed.dims[0]!;
  const { y } = await runKernel(
    engine,
    (b) => {
      const input = b.input('x', 'float32', x.dims);
      const zero = w.zeroPoints ? [b.constant(w.zeroPoints)] : [];
      const attributes = { K: k, N: n, bits: spec.bits, block_size: spec.blockSize, accuracy_level: level };
      const parts = [input, b.constant(w.packed), b.constant(w.scales), ...zero];
      b.output('y', b.op('com.microsoft:MatMulNBits', parts, attributes), 'float32');
    },
    { x },
  );
  return float32Values(y!);
}

const specs: BlockSpec[] = [
  { bits: 4, blockSize: 32, symmetric: true },
  { bits: 4, blockSize: 32, symmetric: false },
  { bits: 4, blockSize: 16, symmetric: false },
  { bits: 8, blockSize: 32, symmetric: true },
  { bits: 8, blockSize: 64, symmetric: false },
];

describe.each(specs)('$bits bits, blocks of $blockSize, symmetric $symmetric', (spec) => {
  // 100 inputs: three blocks of 32 and a part of a fourth; zero points of an odd and of an even number of blocks.
  it.each([96, 100])('is what MatMulNBits takes, with %i inputs', async (k) => {
    const matrix = random([k, 6], 1);
    const x = random([3, k], 2);
    const stored = await quantizer.quantize(matrix, true, spec);
    const weights = unpacked(stored, spec, k);
    const values = float32Values(x);
    const expected = Array.from({ length: 18 }, (_, i) =>
      weights[i % 6]!.reduce((sum, w, j) => sum + w * values[Math.floor(i / 6) * k + j]!, 0),
    );
    // Level 1 computes in float32: sums of 100 terms. Level 4 takes activations in int8 blocks: half a step of
    // max|x|/127, about 0.01, on each of 100 terms of size 1, of random sign.
    for (const [level, tolerance] of [
      [1, 1e-4],
      [4, 0.4],
    ] as const)
      for (const engine of [native, wasm]) {
        const y = await product(engine, x, stored, spec, k, level);
        const worst = Math.max(...expected.map((e, i) => Math.abs(e - y[i]!)));
        expect(worst, `${engine.name}, level ${level}`).toBeLessThan(tolerance);
      }
  });

  it('loses no more than the grid must', async () => {
    const matrix = random([4, 256], 3);
    const stored = await quantizer.quantize(matrix, false, spec);
    const back = unpacked(stored, spec, 256).flat();
    const source = float32Values(matrix);
    const noise = back.reduce((sum, w, i) => sum + (w - source[i]!) ** 2, 0) / back.length;
    // Uniform rounding of a normal block of 32, whose range is about ±2.1: step²/12 with steps of 4.2/15 (4.2/255),
    // larger blocks reach further.
    expect(noise).toBeLessThan(spec.bits === 4 ? 0.0085 : 3.5e-5);
  });
});

it('reads a weight either way round', async () => {
  const spec = specs[1]!;
  const matrix = random([64, 3], 4);
  const values = float32Values(matrix);
  const turned = tensorOf(
    'float32',
    [3, 64],
    Array.from({ length: 192 }, (_, i) => values[(i % 64) * 3 + Math.floor(i / 64)]!),
  );
  const [a, b] = [
    await quantizer.quantize(matrix, true, spec),
    await quantizer.quantize(turned, false, spec),
  ];
  expect(numbers(a.packed)).toEqual(numbers(b.packed));
  expect(numbers(a.scales)).toEqual(numbers(b.scales));
  expect(numbers(a.zeroPoints!)).toEqual(numbers(b.zeroPoints!));
});

it('keeps a block of zeros at zero', async () => {
  const stored = await quantizer.quantize(
    tensorOf('float32', [32, 1], new Float32Array(32)),
    true,
    specs[0]!,
  );
  expect(
    unpacked(stored, specs[0]!, 32)
      .flat()
      .every((w) => w === 0),
  ).toBe(true);
});

it('works on a large weight in parts that join without a seam', async () => {
  // 2.4 M weights: two parts, the second short.
  const matrix = random([64, 37_500], 5);
  const spec = specs[0]!;
  const stored = await quantizer.quantize(matrix, true, spec);
  expect(stored.packed.dims).toEqual([37_500, 2, 16]);
  const source = float32Values(matrix);
  const back = unpacked(stored, spec, 64);
  const error = (r: number) => Math.max(...back[r]!.map((w, k) => Math.abs(w - source[k * 37_500 + r]!)));
  // Half a step of a range that reaches to four at most, or what was cut off at its end.
  expect(Math.max(...[0, 32_767, 32_768, 37_499].map(error))).toBeLessThan(1);
});

describe('a matrix that is worked on in parts', () => {
  // 2²¹ weights at once: this one takes three parts.
  const [columns, rows] = [64, 80_000];
  const spec = { bits: 4, blockSize: 32, symmetric: true } as const;

  it.each([false, true])(
    'is handed to the engine once (transposed: %s), and gives what its parts give',
    async (transposed) => {
      const matrix = random(transposed ? [columns, rows] : [rows, columns], 5);
      const counted = { elements: 0, runs: 0 };
      const watched: Engine = {
        ...native,
        async open(...given) {
          const session = await native.open(...given);
          const run: typeof session.run = (feeds, ...more) => {
            counted.runs++;
            for (const t of Object.values(feeds)) counted.elements += t.dims.reduce((a, b) => a * b, 1);
            return session.run(feeds, ...more);
          };
          return { ...session, run };
        },
      };
      const parted = createBlockQuantizer(watched);
      const { packed, scales } = await parted.quantize(matrix, transposed, spec);
      await parted.close();
      expect(counted).toEqual({ elements: columns * rows, runs: 3 });
      expect(packed.dims).toEqual([rows, 2, 16]);
      // The last row alone.
      const values = float32Values(matrix);
      const last = Float32Array.from({ length: columns }, (_, k) =>
        transposed ? values[k * rows + rows - 1]! : values[(rows - 1) * columns + k]!,
      );
      const alone = await quantizer.quantize(tensorOf('float32', [1, columns], last), false, spec);
      expect(numbers(alone.packed)).toEqual(numbers(packed).slice(-32));
      expect(numbers(alone.scales)).toEqual(numbers(scales).slice(-2));
    },
  );
});
