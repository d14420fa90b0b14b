import { describe, expect, it } from 'vitest';
import { float32Values, tensorOf } from '../../../src/model/ir/tensor.ts';
import { perChannel } from '../../../src/model/rewrite/arguments.ts';
import { batchNormAffine, scaleChannels, shiftBias } from '../../../src/model/rewrite/channel-scale.ts';

const values = (...numbers: number[]) => tensorOf('float32', [numbers.length], numbers);

describe('batchNormAffine', () => {
  it('gives scale and shift of the normalisation', () => {
    // (x − 1)·2/√(3 + 1) + 0.5 = x − 0.5
    const { scale, shift } = batchNormAffine(values(2), values(0.5), values(1), values(3), 1);
    expect([scale[0], shift[0]]).toEqual([1, -0.5]);
  });
});

describe('scaleChannels', () => {
  it('scales along axis 0 for Conv', () => {
    const w = tensorOf('float32', [2, 1, 2], [1, 2, 3, 4]);
    const scaled = scaleChannels(w, { axis: 0, groups: 1 }, Float64Array.of(10, 100));
    expect([...float32Values(scaled)]).toEqual([10, 20, 300, 400]);
  });

  it('scales along axis 1 for MatMul', () => {
    const w = tensorOf('float32', [2, 2], [1, 2, 3, 4]);
    const scaled = scaleChannels(w, { axis: 1, groups: 1 }, Float64Array.of(10, 100));
    expect([...float32Values(scaled)]).toEqual([10, 200, 30, 400]);
  });

  it('counts the channels of a later group on, for ConvTranspose with groups', () => {
    // [in 4, out/group 1, k 1], 2 groups: inputs 0, 1 make channel 0; inputs 2, 3 make channel 1.
    const w = tensorOf('float32', [4, 1, 1], [1, 1, 1, 1]);
    const scaled = scaleChannels(w, { axis: 1, groups: 2 }, Float64Array.of(5, 7));
    expect([...float32Values(scaled)]).toEqual([5, 5, 7, 7]);
  });

  it('leaves the given tensor as it was', () => {
    const w = tensorOf('float32', [1, 1, 1], [3]);
    scaleChannels(w, { axis: 0, groups: 1 }, Float64Array.of(2));
    expect([...float32Values(w)]).toEqual([3]);
  });
});

describe('shiftBias', () => {
  it('takes a missing bias as zero', () => {
    const affine = { scale: Float64Array.of(2), shift: Float64Array.of(0.5) };
    expect([...float32Values(shiftBias(null, affine, [1]))]).toEqual([0.5]);
    expect([...float32Values(shiftBias(Float64Array.of(3), affine, [1]))]).toEqual([6.5]);
  });
});

describe('perChannel', () => {
  it('repeats a scalar', () => {
    expect([...perChannel(tensorOf('float32', [], [3]), 4, 1, 2)!]).toEqual([3, 3]);
  });

  it('reads [C,1,1] and [1,C,1,1]', () => {
    expect([...perChannel(tensorOf('float32', [2, 1, 1], [3, 4]), 4, 1, 2)!]).toEqual([3, 4]);
    expect([...perChannel(tensorOf('float32', [1, 2, 1, 1], [3, 4]), 4, 1, 2)!]).toEqual([3, 4]);
  });

  it('refuses what varies along another axis, and what would add axes', () => {
    expect(perChannel(tensorOf('float32', [2], [3, 4]), 4, 1, 2)).toBeNull();
    expect(perChannel(tensorOf('float32', [1, 1, 2, 1, 1], [3, 4]), 4, 1, 2)).toBeNull();
  });
});
