/** Arithmetic that moves a scale and shift per output channel into the constants of a linear op. Computed in float64,
 *  rounded once. */
import { elementCount, float32Values, numbers, type Tensor, tensorOf } from '../ir/tensor.ts';

/** y = scale·x + shift for each channel. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** γ·(x − μ)/√(var + ε) + β as scale and shift; all parameters [channels]. */
export function batchNormAffine(
  gamma: Tensor,
  beta: Tensor,
  mean: Tensor,
  variance: Tensor,
  epsilon: number,
): Affine {
  const [g, b, m, v] = [gamma, beta, mean, variance].map((t) => float32Values(t)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const scale = Float64Array.from(g, (x, i) => x / Math.sqrt(v[i]! + epsilon));
  return { scale, shift: Float64Array.from(b, (x, i) => x - m[i]! * scale[i]!) };
}

/** Where the output channels of a weight lie: channel = group·blockSize + index along `axis`, where the `groups` divide
 *  axis 0 (ConvTranspose with groups); groups is 1 everywhere else. */
export interface ChannelLayout {
  readonly axis: number;
  readonly groups: number;
}

/** The weight with each output channel multiplied by its scale; float32 in, float32 out.
 *  @param scale [channels], channels = groups · dims[axis] */
export function scaleChannels(weight: Tensor, layout: ChannelLayout, scale: Float64Array): Tensor {
  const { dims } = weight;
  const from = float32Values(weight);
  const to = new Float32Array(from.length);
  const along = dims[layout.axis]!;
  const inner = elementCount(dims.slice(layout.axis + 1));
  const rows = dims[0]! / layout.groups;
  const rowSize = elementCount(dims.slice(1));
  for (let i = 0; i < from.length; i += inner) {
    const group = layout.groups === 1 ? 0 : Math.floor(Math.floor(i / rowSize) / rows);
    const factor = scale[group * along + ((i / inner) % along)]!;
    for (let k = i; k < i + inner; k++) to[k] = from[k]! * factor;
  }
  return tensorOf('float32', dims, to);
}

/** scale·bias + shift, float32 with the given dims; no bias counts as 0. */
export const shiftBias = (bias: Float64Array | null, affine: Affine, dims: readonly number[]): Tensor =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from(affine.shift, (s, i) => (bias ? bias[i]! * affine.scale[i]! : 0) + s),
  );

export const float64Values = (t: Tensor) => Float64Array.from(numbers(t));
