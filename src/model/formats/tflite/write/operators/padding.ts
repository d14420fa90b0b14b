/** Pads of constants. */
import type { Sides } from '../../../lowered/window.ts';
import { type Emitter, shaped } from '../emitter.ts';
import type { LiteTensor, Quantization } from '../graph.ts';
import { constantTensor } from '../stored.ts';

/** @param sides  begin and end of every axis @param value  in real units */
export function padded(e: Emitter, x: LiteTensor, sides: Sides, value: number): LiteTensor {
  if (sides.every(([begin, end]) => begin === 0 && end === 0)) return x;
  const shape = x.shape.map((d, i) => d + sides[i]![0] + sides[i]![1]);
  const type = shaped(x, shape);
  const pads = pairs(e, sides);
  if (value === 0) return e.op('PAD', [x, pads], type, ['PadOptions', {}]);
  return e.op('PADV2', [x, pads, filling(e, x, value)], type, ['PadV2Options', {}]);
}

/** int32 [rank, 2] */
export function pairs(e: Emitter, sides: Sides): LiteTensor {
  const type = { type: 'int32', shape: [sides.length, 2], quantization: null } as const;
  return constantTensor(e.name('pads'), type, Int32Array.from(sides.flat()));
}

/** One element of x's type; beyond what its integers reach, the nearest. */
function filling(e: Emitter, { type, quantization }: LiteTensor, value: number): LiteTensor {
  const name = e.name('pad_value');
  if (quantization)
    return constantTensor(
      name,
      { type: 'int8', shape: [1], quantization },
      Int8Array.of(codeOf(value, quantization)),
    );
  const array = type === 'int32' ? Int32Array.of(value) : Float32Array.of(value);
  return constantTensor(name, { type, shape: [1], quantization }, array);
}

export function codeOf(value: number, { scale, zeroPoint }: Quantization): number {
  return Math.max(-128, Math.min(127, Math.round(value / scale[0]!) + zeroPoint[0]!));
}
