/** Zeros around a picture that the convolution behind them can have as its own padding: what converters write where the two
 *  sides differ. */

import { constantOf, isOp, type Node, type Value } from '../../../../ir/model.ts';
import { numbers } from '../../../../ir/tensor.ts';
import type { Emitter, Padding } from '../../../emit/index.ts';

interface Unpadded {
  readonly x: Value;
  readonly padding: Padding;
}

/** What a convolution without padding of its own reads: the picture and its zeros, or x as it is. Between the two, values of
 *  the same grid may have been quantised, which changes nothing. x [batch, …space, channels] */
export function unpadded(e: Emitter, x: Value, padding: Padding): Unpadded {
  const as = { x, padding };
  const pad = padding === 'valid' ? padBehind(x) : null;
  const [source, amounts, value = null] = pad?.inputs ?? [];
  const given = amounts ? e.data(amounts) : null;
  if (!source || !given?.every((n) => typeof n === 'number') || !isZero(value)) return as;
  const all = given as readonly number[];
  const rank = all.length / 2;
  const pairs = Array.from({ length: rank }, (_, i) => [all[i]!, all[i + rank]!] as const);
  const isOfSpace = pairs.every(
    ([before, after], i) => before >= 0 && after >= 0 && ((i > 0 && i < rank - 1) || before + after === 0),
  );
  return isOfSpace ? { x: source, padding: pairs.slice(1, -1) } : as;
}

const isZero = (value: Value | null): boolean => {
  const tensor = constantOf(value);
  return value === null || (tensor !== null && numbers(tensor).every((n) => n === 0));
};

/** Pad, or DequantizeLinear · QuantizeLinear · Pad · DequantizeLinear on one grid. */
function padBehind(x: Value): Node | null {
  const pad = madeBy(x, 'Pad');
  if (pad) return pad;
  const quantized = madeBy(madeBy(x, 'DequantizeLinear')?.inputs[0], 'QuantizeLinear');
  const inner = madeBy(quantized?.inputs[0], 'Pad');
  const before = madeBy(inner?.inputs[0], 'DequantizeLinear');
  return quantized && before && isSameGrid(before, quantized) ? inner : null;
}

const madeBy = (value: Value | null | undefined, opType: string): Node | null =>
  value && isOp(value.producer, opType) ? value.producer : null;

const isSameGrid = (a: Node, b: Node): boolean =>
  [1, 2].every((i) => {
    const [x, y] = [constantOf(a.inputs[i]), constantOf(b.inputs[i])];
    return x && y && x.dtype === y.dtype && numbers(x).join() === numbers(y).join();
  });
