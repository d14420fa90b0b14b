/** Biases of integer products: int32 steps of sₓ·s_w. */
import { type Tensor, tensorOf } from '../../model/ir/tensor.ts';

interface StoredBias {
  /** int32 [channels]. */
  readonly quantized: Tensor;
  /** float32 [channels], or a scalar for one weight scale in all. */
  readonly scale: Tensor;
}

/** @param weightScale  one a channel, or one in all */
export function storedBias(bias: Float32Array, inputScale: number, weightScale: Float32Array): StoredBias {
  const perChannel = weightScale.length > 1;
  const scale = Float32Array.from(perChannel ? weightScale : [weightScale[0]!], (s) => s * inputScale);
  const steps = Int32Array.from(bias, (b, i) => Math.round(b / scale[perChannel ? i : 0]!));
  return {
    quantized: tensorOf('int32', [steps.length], steps),
    scale: tensorOf('float32', perChannel ? [scale.length] : [], scale),
  };
}

/** The least weight scale a channel may have so that its bias fits into int32 steps of sₓ·s_w. */
export function smallestScales(bias: Float32Array, inputScale: number, channels: number): Float32Array {
  const floor = new Float32Array(channels);
  bias.forEach((b, i) => {
    const c = channels === 1 ? 0 : i % channels;
    floor[c] = Math.max(floor[c]!, Math.abs(b) / (inputScale * 2 ** 30));
  });
  return floor;
}
