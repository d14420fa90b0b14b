/** Normalisation with statistics that are given. */
import { float } from '../../ir/attribute.ts';
import { constantOf, type Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { toChannelsFirst, toChannelsLast } from './movement.ts';

export interface BatchNormalizationOptions {
  readonly scale: Value;
  readonly offset: Value;
  readonly mean: Value;
  readonly variance: Value;
  readonly epsilon: number;
  readonly channelsFirst?: boolean | undefined;
}

/** (x − mean) / √(variance + ε) · scale + offset along the channels, which are the last axis; each statistic [channels].
 *  One BatchNormalization where all are constants of rank 1, elementwise operators otherwise. */
export function batchNormalization(e: Emitter, x: Value, options: BatchNormalizationOptions): Value {
  const { scale, offset, mean, variance, epsilon, channelsFirst } = options;
  const parameters = [scale, offset, mean, variance];
  if (e.rank(x) < 2 || parameters.some((p) => constantOf(p)?.dims.length !== 1))
    return elementwise(e, x, options);
  const moves = !channelsFirst && e.rank(x) > 2;
  const first = moves ? toChannelsFirst(e, x) : x;
  const y = e.emit('BatchNormalization', [first, ...parameters], { epsilon: float(epsilon) });
  return moves ? toChannelsLast(e, y) : y;
}

function elementwise(e: Emitter, x: Value, options: BatchNormalizationOptions): Value {
  const { scale, offset, mean, variance, epsilon, channelsFirst } = options;
  if (channelsFirst) e.refuse('channels first with statistics that are computed');
  const deviation = e.emit('Sqrt', [e.emit('Add', [variance, e.scalar('float32', epsilon)])]);
  const normal = e.emit('Div', [e.emit('Sub', [x, mean]), deviation]);
  return e.emit('Add', [e.emit('Mul', [normal, scale]), offset]);
}

export interface LocalResponseOptions {
  /** Channels on either side. */
  readonly radius: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** x / (bias + alpha · Σ x² over 2·radius + 1 channels)^beta; ONNX divides the sum by the number of channels. */
export function localResponseNormalization(
  e: Emitter,
  x: Value,
  { radius, alpha, beta, bias }: LocalResponseOptions,
): Value {
  const size = 2 * radius + 1;
  const y = e.emit('LRN', [toChannelsFirst(e, x)], {
    size,
    alpha: float(alpha * size),
    beta: float(beta),
    bias: float(bias),
  });
  return toChannelsLast(e, y);
}
