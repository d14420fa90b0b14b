/** Sums of products of 8-bit integers at the bound where a float holds them no longer, against onnxruntime. */
import { beforeAll, expect, it, vi } from 'vitest';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { runModel } from '../../../../run-model.ts';
import { modelOf } from './cases.ts';
import { runWritten, useBackend } from './run-written.ts';

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  await useBackend('wasm');
});

// 258 · 255² is the last below 2^24; 259 · 255² is odd and above, which float32 has no number for.
it.each([
  [258, 255, 16776450],
  [259, 255, 16841475],
  [777, 255, 50524425],
  // With integers up to 127 sums may be 518 long.
  [1037, 127, 33583245],
])('sums %i products of 255 and %i exactly', async (depth, code, sum) => {
  const x = tensorOf('uint8', [2, depth], new Uint8Array(2 * depth).fill(255));
  const weight = tensorOf('uint8', [depth, 3], new Uint8Array(3 * depth).fill(code));
  const model = modelOf({ name: 'sums', op: 'MatMulInteger', x, rest: [weight] });
  const engine = await openEngine('node');
  const [expected] = Object.values(await runModel(engine, model, { x }));
  const [received] = Object.values(await runWritten(model, { x }));
  expect(Array.from(expected!.bytes())).toEqual(
    Array.from(tensorOf('int32', [2, 3], Array(6).fill(sum)).bytes()),
  );
  expect(received!.dims).toEqual(expected!.dims);
  expect(received!.bytes()).toEqual(expected!.bytes());
});
