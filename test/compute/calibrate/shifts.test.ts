import { beforeAll, describe, expect, it } from 'vitest';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import type { StatisticRequest } from '../../../src/compute/calibrate/statistics.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const samplesOf = (inputs: readonly Tensor[]) => ({
  count: inputs.length,
  read: async (i: number) => ({ id: `${i}`, inputs: { x: inputs[i]! } }),
});

const shiftOf = async (text: string, weight: Tensor, channels: number, inputs: readonly Tensor[]) => {
  const request: StatisticRequest = { kind: 'shift', value: 'y', weight, channels };
  const { shift } = await observe(engine, parseModel(text), [request], samplesOf(inputs));
  return [...shift!('y')!];
};

describe('the shift of a layer', () => {
  it('is the mean by channel of what another weight would add, padding included', async () => {
    const inputs = [1, 3].map((v) => tensorOf('float32', [1, 1, 2, 2], [v, v, v, v]));
    const weight = tensorOf('float32', [2, 1, 3, 3], [...new Array(9).fill(1.5), ...new Array(9).fill(1)]);
    const shift = await shiftOf(
      `<ir_version: 8, opset_import: ["" : 17]>
g (float[1,1,2,2] x) => (float[1,2,2,2] y)
< float[2,1,3,3] W = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, float[2] b = {7, 8} >
{ y = Conv <pads = [1, 1, 1, 1]> (x, W, b) }`,
      weight,
      2,
      inputs,
    );
    // Each place sees the four elements and five zeros: half of 4·1 and of 4·3, on average.
    expect(shift).toEqual([4, 0]);
  });

  it.each([
    { op: 'Gemm', opset: 13, text: 'Gemm <transB = 1> (x, W)', weight: [2, 0, 0, 1] },
    { op: 'MatMul', opset: 18, text: 'MatMul (x, W)', weight: [2, 0, 0, 1] },
  ])('of $op is taken over rows (opset $opset)', async ({ opset, text, weight }) => {
    const inputs = [tensorOf('float32', [2, 2], [1, 10, 3, 20])];
    const shift = await shiftOf(
      `<ir_version: 8, opset_import: ["" : ${opset}]>
g (float[2,2] x) => (float[2,2] y) < float[2,2] W = {1, 0, 0, 1} > { y = ${text} }`,
      tensorOf('float32', [2, 2], weight),
      2,
      inputs,
    );
    expect(shift).toEqual([2, 0]);
  });

  it('is refused where it is no number', async () => {
    const text = `<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2] x) => (float[1,2] y) < float[2,2] W = {1, 0, 0, 1} > { y = MatMul (x, W) }`;
    const weight = tensorOf('float32', [2, 2], [1, 0, 0, 2]);
    const inputs = [tensorOf('float32', [1, 2], [1, Number.NaN])];
    await expect(shiftOf(text, weight, 2, inputs)).rejects.toMatchObject({ code: 'CALIBRATION_NOT_FINITE' });
  });
});
