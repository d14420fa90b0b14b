/** What every engine must do, whichever runtime is behind it. Models are built here; onnxruntime's own kernels for
 *  Identity, Add and Split are the only arithmetic, so expected numbers can be read off. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { buildKernel, type KernelBuilder, openKernel } from '../../../src/compute/engine/kernel.ts';
import { encodeModel, keepExternal } from '../../../src/model/formats/onnx/write.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import { createModel } from '../../../src/model/ir/edit.ts';
import {
  numbers,
  scalar,
  stringTensor,
  type Tensor,
  tensorOf,
  typedArray,
} from '../../../src/model/ir/tensor.ts';
import type { Shape } from '../../../src/model/ir/type.ts';
import { runKernel } from './run-kernel.ts';

const values: [DType, Tensor][] = [
  ['float32', tensorOf('float32', [2, 2], [1.5, -2.25, Number.POSITIVE_INFINITY, 1e-40])],
  ['float64', tensorOf('float64', [2, 2], [1e300, -1e-300, 0.1, -0])],
  ['float16', tensorOf('float16', [2, 2], [1.5, -65504, 0.1, 6e-8])],
  ['int8', tensorOf('int8', [2, 2], [-128, 127, 0, -1])],
  ['uint8', tensorOf('uint8', [2, 2], [255, 1, 0, 128])],
  ['int16', tensorOf('int16', [2, 2], [-32768, 32767, 0, -1])],
  ['uint16', tensorOf('uint16', [2, 2], [65535, 1, 0, 2])],
  ['int32', tensorOf('int32', [2, 2], [-2147483648, 2147483647, 0, -1])],
  ['uint32', tensorOf('uint32', [2, 2], [4294967295, 1, 0, 2])],
  ['int64', tensorOf('int64', [2, 2], [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 0n])],
  ['uint64', tensorOf('uint64', [2, 2], [2n ** 64n - 1n, 1n, 2n ** 53n + 1n, 0n])],
  ['bool', tensorOf('bool', [2, 2], [1, 0, 0, 1])],
];

const identity = (dtype: DType, shape: Shape) => (b: KernelBuilder) =>
  b.output('y', b.input('x', dtype, shape), dtype, shape);

const open = (engine: Engine, build: (b: KernelBuilder) => void) =>
  openKernel(engine, buildKernel(build, 17));

/** x [n] → sum = x + x, halves a and b of x along axis 0 */
const severalOutputs = (b: KernelBuilder) => {
  const x = b.input('x', 'float32', ['n']);
  const [left, right] = b.ops('Split', [x], 2, { axis: 0 });
  b.output('sum', b.op('Add', [x, x]), 'float32', ['n']);
  b.output('left', left!, 'float32', ['h']);
  b.output('right', right!, 'float32', ['h']);
};

export function engineContract(name: string, start: () => Promise<Engine>): void {
  describe(`engine ${name}`, () => {
    describe('tensors', () => {
      for (const [dtype, tensor] of values)
        it(`hands ${dtype} through unchanged`, async () => {
          const { y } = await runKernel(await start(), identity(dtype, ['n', 2]), { x: tensor });
          expect(y!.dtype).toBe(dtype);
          expect(y!.dims).toEqual([2, 2]);
          expect(y!.bytes()).toEqual(tensor.bytes());
        });

      it('hands strings through unchanged, empty and non-ASCII ones too', async () => {
        const x = stringTensor([3], ['plain', '', 'größe 尺寸']);
        const { y } = await runKernel(await start(), identity('string', [3]), { x });
        expect(y!.strings).toEqual(x.strings);
      });

      it('refuses strings that JavaScript could not hand on unchanged', async () => {
        const x = stringTensor([1], [Uint8Array.of(0xff, 0xfe)]);
        const run = runKernel(await start(), identity('string', [1]), { x });
        await expect(run).rejects.toMatchObject({ code: 'FEED_MISMATCH' });
      });

      for (const dtype of ['int4', 'uint4'] as const)
        it(`says that ${dtype} has no Identity kernel, as an unsupported model`, async () => {
          const model = buildKernel(identity(dtype, [4]));
          await expect(openKernel(await start(), model)).rejects.toMatchObject({
            code: 'ENGINE_OPEN',
            kind: 'unsupported',
            message: expect.stringContaining('Identity'),
          });
        });

      it('dequantises int4 weights that are stored packed, low nibble first', async () => {
        const build = (b: KernelBuilder) => {
          const packed = b.constant({
            kind: 'dense',
            dtype: 'int4',
            dims: [3],
            bytes: () => Uint8Array.of(0x81, 0x07),
          });
          const w = b.op('DequantizeLinear', [packed, b.constant(scalar('float32', 0.5))]);
          b.output('y', b.op('Add', [w, b.input('x', 'float32', [3])]), 'float32', [3]);
        };
        const { y } = await runKernel(await start(), build, { x: tensorOf('float32', [3], [0, 0, 0]) });
        expect(numbers(y!)).toEqual([0.5, -4, 3.5]);
      });

      it('takes and gives scalars with no dimensions', async () => {
        const { y } = await runKernel(await start(), identity('float32', []), { x: scalar('float32', 7) });
        expect(y!.dims).toEqual([]);
        expect(numbers(y!)).toEqual([7]);
      });

      it('takes and gives tensors without elements', async () => {
        const x = tensorOf('float32', [0, 3], []);
        const { y } = await runKernel(await start(), identity('float32', ['n', 3]), { x });
        expect(y!.dims).toEqual([0, 3]);
        expect(y!.bytes().length).toBe(0);
      });

      it('takes tensors whose bytes are not aligned to their element size', async () => {
        const bytes = new Uint8Array(9).subarray(1);
        new DataView(bytes.buffer, 1).setFloat32(4, 2.5, true);
        const x: Tensor = { kind: 'dense', dtype: 'float32', dims: [2], bytes: () => bytes };
        const { y } = await runKernel(await start(), identity('float32', [2]), { x });
        expect(numbers(y!)).toEqual([0, 2.5]);
      });

      it('gives outputs that later runs and closing leave alone', async () => {
        const session = await open(await start(), severalOutputs);
        const first = await session.run({ x: tensorOf('float32', [2], [1, 2]) });
        await session.run({ x: tensorOf('float32', [2], [8, 9]) });
        await session.close();
        expect(numbers(first.sum!)).toEqual([2, 4]);
      });

      it('does not write to what it is fed', async () => {
        const x = tensorOf('float32', [4], [1, 2, 3, 4]);
        await runKernel(await start(), severalOutputs, { x });
        expect(numbers(x)).toEqual([1, 2, 3, 4]);
      });

      it('carries a tensor of 64 MB', async () => {
        const data = new Float32Array(16e6);
        data[15_999_999] = 3;
        const { y } = await runKernel(await start(), identity('float32', ['n']), {
          x: tensorOf('float32', [16e6], data),
        });
        expect(y!.dims).toEqual([16e6]);
        expect((typedArray(y!) as Float32Array)[15_999_999]).toBe(3);
      });
    });

    describe('sessions', () => {
      it('lists inputs and outputs with type and symbolic shape', async () => {
        const session = await open(await start(), (b) => {
          const x = b.input('x', 'float32', ['batch', 3, null]);
          b.output('y', b.op('Shape', [x]), 'int64', [3]);
        });
        expect(session.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['batch', 3, null] }]);
        expect(session.outputs).toEqual([{ name: 'y', dtype: 'int64', shape: [3] }]);
        await session.close();
      });

      it('runs with other sizes of a dynamic dimension', async () => {
        const session = await open(await start(), severalOutputs);
        for (const n of [2, 6, 4]) {
          const { left } = await session.run({ x: tensorOf('float32', [n], new Float32Array(n)) });
          expect(left!.dims).toEqual([n / 2]);
        }
        await session.close();
      });

      it('gives all outputs, or those asked for', async () => {
        const session = await open(await start(), severalOutputs);
        const x = tensorOf('float32', [2], [1, 2]);
        expect(Object.keys(await session.run({ x })).sort()).toEqual(['left', 'right', 'sum']);
        const some = await session.run({ x }, ['right', 'sum']);
        expect(Object.keys(some).sort()).toEqual(['right', 'sum']);
        expect(numbers(some.right!)).toEqual([2]);
        expect(await session.run({ x }, [])).toEqual({});
        await session.close();
      });

      it('keeps two runs that are awaited together apart', async () => {
        const session = await open(await start(), severalOutputs);
        const runs = [1, 2, 3].map((v) => session.run({ x: tensorOf('float32', [2], [v, v]) }, ['sum']));
        const sums = (await Promise.all(runs)).map(({ sum }) => numbers(sum!));
        expect(sums).toEqual([
          [2, 2],
          [4, 4],
          [6, 6],
        ]);
        await session.close();
      });

      it('opens several sessions at once', async () => {
        const engine = await start();
        const sessions = await Promise.all([1, 2, 3].map(() => open(engine, severalOutputs)));
        const x = tensorOf('float32', [2], [1, 2]);
        const results = await Promise.all(sessions.map((s) => s.run({ x }, ['sum'])));
        for (const { sum } of results) expect(numbers(sum!)).toEqual([2, 4]);
        await Promise.all(sessions.map((s) => s.close()));
      });

      it('gives the same without and with optimisation', async () => {
        const engine = await start();
        const x = tensorOf('float32', [2], [1, 2]);
        for (const optimization of ['none', 'basic', 'extended', 'all'] as const) {
          const { sum } = await runKernel(engine, severalOutputs, { x }, { optimization });
          expect(numbers(sum!)).toEqual([2, 4]);
        }
      });

      it('reads external data that is handed over with the bytes', async () => {
        const weights = tensorOf(
          'float32',
          [64],
          Float32Array.from({ length: 64 }, (_, i) => i),
        ).bytes();
        const model = buildKernel((b) => {
          const w = b.constant(
            {
              kind: 'external',
              dtype: 'float32',
              dims: [64],
              external: { location: 'weights.bin', offset: 0, length: 256 },
              bytes: () => weights,
            },
            'w',
          );
          b.output('y', b.op('Add', [w, b.input('x', 'float32', [])]), 'float32', [64]);
        }, 17);
        const session = await (await start()).open({
          bytes: encodeModel(model, { place: keepExternal }),
          externalData: new Map([['weights.bin', weights]]),
        });
        const { y } = await session.run({ x: scalar('float32', 0.5) });
        expect(numbers(y!).slice(-2)).toEqual([62.5, 63.5]);
        await session.close();
      });

      it('passes configuration entries on, and has the runtime refuse a bad value', async () => {
        const engine = await start();
        const model = buildKernel(severalOutputs, 17);
        const good = await openKernel(engine, model, { config: { 'session.disable_quant_qdq': '1' } });
        await good.close();
        const bad = openKernel(engine, model, {
          config: { 'optimization.minimal_build_optimizations': 'maybe' },
        });
        await expect(bad).rejects.toMatchObject({
          code: 'ENGINE_OPEN',
          message: expect.stringContaining('maybe'),
        });
      });

      it('closes after the runs that are under way, and any number of times', async () => {
        const session = await open(await start(), severalOutputs);
        const running = session.run({ x: tensorOf('float32', [2], [1, 2]) });
        await Promise.all([session.close(), session.close()]);
        expect(numbers((await running).sum!)).toEqual([2, 4]);
      });

      it('refuses to run once closed', async () => {
        const session = await open(await start(), severalOutputs);
        await session.close();
        const run = session.run({ x: tensorOf('float32', [2], [1, 2]) });
        await expect(run).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
      });
    });

    describe('errors', () => {
      const x = tensorOf('float32', [2], [1, 2]);
      const cases: [string, Record<string, Tensor>, string, string][] = [
        ['a missing input', {}, 'MISSING_INPUT', 'Input "x" (float32 [n,2]) is missing'],
        ['another type', { x: tensorOf('int32', [1, 2], [1, 2]) }, 'FEED_MISMATCH', 'int32 [1,2]'],
        ['another rank', { x }, 'FEED_MISMATCH', 'expects float32 [n,2]; received float32 [2]'],
        ['another size', { x: tensorOf('float32', [1, 3], [1, 2, 3]) }, 'FEED_MISMATCH', 'float32 [1,3]'],
        ['an unknown input', { x: tensorOf('float32', [1, 2], [1, 2]), z: x }, 'FEED_MISMATCH', '"z"'],
      ];
      for (const [what, feeds, code, message] of cases)
        it(`names the input for ${what}`, async () => {
          const run = runKernel(await start(), identity('float32', ['n', 2]), feeds);
          await expect(run).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
        });

      it('names the outputs that exist when asked for another', async () => {
        const session = await open(await start(), severalOutputs);
        await expect(session.run({ x }, ['summ'])).rejects.toMatchObject({
          code: 'UNKNOWN_OUTPUT',
          message: expect.stringContaining('"sum"'),
        });
        await session.close();
      });

      it('names the domain and op that the runtime does not know, as an unsupported model', async () => {
        const build = (b: KernelBuilder) =>
          b.output('y', b.op('com.microsoft.extensions:Foo', [b.input('x', 'float32', [2])]), 'float32', [2]);
        await expect(runKernel(await start(), build, { x })).rejects.toMatchObject({
          code: 'ENGINE_OPEN',
          kind: 'unsupported',
          message: expect.stringContaining('com.microsoft.extensions:Foo'),
        });
      });

      it('says up to which opset the runtime goes', async () => {
        const model = buildKernel(identity('float32', [2]), 99);
        await expect(openKernel(await start(), model)).rejects.toMatchObject({
          code: 'ENGINE_OPEN',
          kind: 'unsupported',
          message: expect.stringMatching(/opset 99 .* up to \d+/),
        });
      });

      for (const [what, bytes] of [
        ['no bytes', new Uint8Array()],
        ['text', new TextEncoder().encode('hello, this is no model')],
        ['a truncated model', encodeModel(buildKernel(severalOutputs, 17)).subarray(0, 40)],
      ] as const)
        it(`says that ${what} is not an ONNX model`, async () => {
          await expect((await start()).open({ bytes })).rejects.toMatchObject({
            code: 'ENGINE_OPEN',
            message: expect.stringContaining('not an ONNX model'),
          });
        });

      it('refuses a model without a graph output', async () => {
        const bytes = encodeModel(createModel());
        await expect((await start()).open({ bytes })).rejects.toMatchObject({ code: 'ENGINE_OPEN' });
      });

      it('gives the reason of a failing run without C++ paths', async () => {
        const build = (b: KernelBuilder) => {
          const four = b.constant(tensorOf('int64', [2], [-1, 4]));
          const reshaped = b.op('Reshape', [b.input('x', 'float32', ['n']), four]);
          b.output('y', reshaped, 'float32', ['m', 4]);
        };
        const error = await runKernel(await start(), build, { x }).catch((e: unknown) => e as Error);
        expect(error).toMatchObject({
          code: 'ENGINE_RUN',
          message: expect.stringContaining('cannot be reshaped to the requested shape'),
        });
        expect((error as Error).message).not.toMatch(/\.(h|cc):\d+|onnxruntime::/);
      });

      it('goes on working after a failure', async () => {
        const engine = await start();
        await engine.open({ bytes: new Uint8Array(3) }).catch(() => undefined);
        const { sum } = await runKernel(engine, severalOutputs, { x });
        expect(numbers(sum!)).toEqual([2, 4]);
      });
    });
  });
}
