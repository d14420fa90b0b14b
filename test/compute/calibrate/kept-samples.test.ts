import { expect, it } from 'vitest';
import { keptSamples } from '../../../src/compute/calibrate/kept-samples.ts';
import { lazyTensor, tensorOf } from '../../../src/model/ir/tensor.ts';

const counted = (count: number, width = 1) => {
  const reads: number[] = [];
  const read = async (index: number) => {
    reads.push(index);
    const dims = [1, width];
    const x =
      width > 1 ? lazyTensor('float32', dims, () => new Uint8Array()) : tensorOf('float32', dims, [index]);
    return { id: String(index), inputs: { x } };
  };
  return { reads, samples: { count, read } };
};

it('reads samples that are looked at again once, and others each time', async () => {
  const { reads, samples } = counted(10);
  const kept = keptSamples(samples, 5);
  for (let pass = 0; pass < 2; pass++)
    for (let i = 0; i < kept.count; i++) expect((await kept.read(i)).id).toBe(String(i));
  expect(reads.filter((i) => i % 2 === 0)).toEqual([0, 2, 4, 6, 8]);
  expect(reads.filter((i) => i % 2 === 1)).toHaveLength(10);
});

it('keeps no more than there is room for', async () => {
  const { reads, samples } = counted(4, 2 ** 22);
  const kept = keptSamples(samples, 4);
  for (let pass = 0; pass < 2; pass++) for (let i = 0; i < kept.count; i++) await kept.read(i);
  expect(reads).toEqual([0, 1, 2, 3, 2, 3]);
});
