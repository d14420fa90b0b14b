import type { Emitter } from '../../../../src/compute/autodiff/emitter.ts';
import type { DType } from '../../../../src/model/ir/dtype.ts';
import type { Value } from '../../../../src/model/ir/model.ts';
import { scalar, tensorOf } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

const x = tensorOf(
  'float32',
  [2, 6],
  [-9.1, -3.3, -0.62, -0.21, 0.08, 0.46, 0.77, 1.36, 2.93, 4.04, 7.9, 11.2],
);

function fakeQuantize(e: Emitter, v: Value, scale: Value, zero: Value, attributes = {}): Value {
  const q = e.op('QuantizeLinear', [v, scale, zero], attributes);
  return e.op('DequantizeLinear', [q, scale, zero], attributes);
}

/** PyTorch's own learnable fake quantisation; it clips what is rounded already, which differs from clipping first only
 *  within half a step outside the range, where none of the points lies. */
const whole = (dtype: DType, zero: number, least: number, most: number, scale: number): GradientCase => ({
  name: `fake quantisation to ${dtype}, zero point ${zero}`,
  inputs: [x, tensorOf('float32', [1], [scale])],
  build: (e, v, s) => fakeQuantize(e, v, e.reshape(s, []), e.constant(scalar(dtype, zero))),
  torch: `torch._fake_quantize_learnable_per_tensor_affine(x0, x1, torch.tensor([${zero}.]), ${least}, ${most}, 1.0)`,
  rounds: true,
  opset: 21,
});

export const quantizationCases: readonly GradientCase[] = [
  whole('int8', 0, -128, 127, 0.052),
  whole('uint8', 37, 0, 255, 0.031),
  whole('int16', 0, -32768, 32767, 0.00021),
  {
    name: 'fake quantisation with one scale a channel',
    inputs: [x, tensorOf('float32', [2], [0.041, 0.063])],
    build: (e, v, s) => fakeQuantize(e, v, s, e.constant(tensorOf('int8', [2], [0, 0])), { axis: 0 }),
    torch: 'torch._fake_quantize_learnable_per_channel_affine(x0, x1, torch.zeros(2), 0, -128, 127, 1.0)',
    rounds: true,
  },
  {
    name: 'fake quantisation with one scale and zero point a channel',
    inputs: [x, tensorOf('float32', [2], [0.041, 0.037])],
    build: (e, v, s) => fakeQuantize(e, v, s, e.constant(tensorOf('uint8', [2], [90, 13])), { axis: 0 }),
    torch:
      'torch._fake_quantize_learnable_per_channel_affine(x0, x1, torch.tensor([90., 13.]), 0, 0, 255, 1.0)',
    rounds: true,
  },
  {
    name: 'fake quantisation in blocks, the last one short',
    inputs: [x, tensorOf('float32', [2, 2], [0.041, 0.063, 0.022, 0.081])],
    build: (e, v, s) =>
      fakeQuantize(e, v, s, e.constant(tensorOf('int8', [2, 2], [0, 0, 0, 0])), { axis: 1, block_size: 4 }),
    torch:
      '(lambda s: (lambda v: (v + (v.round() - v).detach()) * s)((x0 / s).clamp(-128, 127)))(x1.repeat_interleave(4, 1)[:, :6])',
    rounds: true,
    opset: 21,
  },
  {
    name: 'fake quantisation with a transposition between',
    inputs: [x, tensorOf('float32', [1], [0.052])],
    build: (e, v, s) => {
      const [scale, zero] = [e.reshape(s, []), e.constant(scalar('int8', 0))];
      const q = e.op('Transpose', [e.op('QuantizeLinear', [v, scale, zero])], { perm: [1, 0] });
      return e.op('DequantizeLinear', [q, scale, zero]);
    },
    torch: 'torch._fake_quantize_learnable_per_tensor_affine(x0, x1, torch.zeros(1), -128, 127, 1.0).T',
    rounds: true,
  },
  {
    name: 'DequantizeLinear of stored integers, by its scale',
    inputs: [[3]],
    build: (e, s) => {
      const [w, zero] = [
        tensorOf('int8', [3, 2], [5, -7, 100, 3, -128, 127]),
        tensorOf('int8', [3], [1, 0, -2]),
      ];
      return e.op('DequantizeLinear', [e.constant(w), s, e.constant(zero)], { axis: 0 });
    },
    torch:
      '(torch.tensor([[5., -7], [100, 3], [-128, 127]]) - torch.tensor([[1.], [0], [-2]])) * x0[:, None]',
  },
];
