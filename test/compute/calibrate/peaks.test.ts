import { expect, it } from 'vitest';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import type { StatisticRequest } from '../../../src/compute/calibrate/statistics.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

const peaksOf = async (opset: number, values: readonly (readonly number[])[]) => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : ${opset}]>
g (float[1,2,1,2] x) => (float[1,4] f) { n = Neg (x)
 f = Flatten (n) }`);
  const requests: StatisticRequest[] = [
    { kind: 'peaks', value: 'n', channels: 2, axis: 1, rank: 4 },
    { kind: 'peaks', value: 'f', channels: 4, axis: 1, rank: 2 },
  ];
  const samples = {
    count: values.length,
    read: async (i: number) => ({ id: `${i}`, inputs: { x: tensorOf('float32', [1, 2, 1, 2], values[i]!) } }),
  };
  const { peaks } = await observe(await openEngine('node'), model, requests, samples);
  return [[...peaks!('n')!], [...peaks!('f')!]];
};

it.each([17, 21])(
  'peaks are the largest magnitudes of each channel over all samples (opset %d)',
  async (opset) => {
    const found = await peaksOf(opset, [
      [1, -5, 2, 0],
      [-3, 4, -7, 1],
    ]);
    expect(found).toEqual([
      [5, 7],
      [3, 5, 7, 1],
    ]);
  },
);

it('a value that isn’t finite is refused', async () => {
  await expect(peaksOf(17, [[1, Number.NaN, 2, 0]])).rejects.toMatchObject({
    code: 'CALIBRATION_NOT_FINITE',
  });
});
