/** QuantizeLinear and DequantizeLinear of the file's own scales and zero points. */
import { dtypes } from '../../../ir/dtype.ts';
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import { cast, type Emitter, reshape } from '../../emit/index.ts';
import { dtypeOfTensor, type Quantization, type TfliteTensor } from './tensor.ts';

/** Integers that QuantizeLinear and DequantizeLinear know in the opset that is written. */
const narrow: ReadonlySet<string> = new Set(['int8', 'uint8']);

/** Types in which nothing but a bias is quantised: others compute with them as they are. */
const plainTypes: ReadonlySet<string> = new Set(['int32', 'int64', 'float16', 'float32', 'bool']);

/** The real numbers of a tensor; the tensor itself where it isn't quantised. */
export function dequantize(e: Emitter, tensor: TfliteTensor, stored: Value): Value {
  const { quantization } = tensor;
  if (!quantization || plainTypes.has(tensor.type)) return stored;
  return expanded(e.at('DEQUANTIZE', `${tensor.name}/dequantized`), tensor, quantization, stored);
}

/** The real numbers of a bias, which is int32 or int64 at the scale of the products. */
export function dequantizeBias(e: Emitter, tensor: TfliteTensor, stored: Value): Value {
  const { quantization } = tensor;
  if (e.dtype(stored) === 'float32') return stored;
  const at = e.at('DEQUANTIZE', `${tensor.name}/dequantized`);
  if (!quantization) return at.refuse(`"${tensor.name}" is a bias in integers without a scale`);
  return expanded(at, tensor, quantization, stored);
}

function expanded(e: Emitter, tensor: TfliteTensor, quantization: Quantization, stored: Value): Value {
  const { zeroPoints, axis } = quantization;
  const dtype = e.dtype(stored);
  const scale = scaleOf(e, quantization);
  if (narrow.has(dtype))
    return e.emit('DequantizeLinear', [stored, scale, zeroPointOf(e, tensor, quantization)], {
      axis: axis ?? undefined,
    });
  if (dtype === 'int32' && zeroPoints.every((z) => z === 0))
    return e.emit('DequantizeLinear', [stored, scale], { axis: axis ?? undefined });
  // 16 bits and more, written out: (stored − zero point) · scale.
  const along = (values: Value) =>
    axis === null
      ? values
      : reshape(
          e,
          values,
          e.sizes(stored).map((_, i) => (i === axis ? -1 : 1)),
        );
  const real = cast(e, stored, 'float32');
  const zero = zeroPoints.some((z) => z !== 0)
    ? e.emit('Sub', [real, along(floats(e, zeroPoints, axis))])
    : real;
  return e.emit('Mul', [zero, along(scale)]);
}

/** Rounded half to even and saturated, as ONNX does; TensorFlow Lite rounds half away from zero. */
export function quantize(e: Emitter, tensor: TfliteTensor, real: Value): Value {
  const { quantization, name } = tensor;
  const dtype = dtypeOfTensor(tensor)!;
  const at = e.at('QUANTIZE', `${name}/quantized`);
  if (!quantization) return at.refuse('a tensor without a scale');
  const { zeroPoints, axis } = quantization;
  const scale = scaleOf(at, quantization);
  if (narrow.has(dtype))
    return at.emit('QuantizeLinear', [real, scale, zeroPointOf(at, tensor, quantization)], {
      axis: axis ?? undefined,
    });
  const { min, max } = dtypes[dtype];
  if (dtype === 'int32' && axis === null) return wideSteps(at, real, quantization);
  if (dtype !== 'int16' || axis !== null) return at.refuse(`a computed tensor quantised to ${dtype}`);
  const steps = at.emit('Round', [at.emit('Div', [real, scale])]);
  const moved = zeroPoints[0] === 0 ? steps : at.emit('Add', [steps, at.scalar('float32', zeroPoints[0]!)]);
  return cast(at, at.emit('Clip', [moved, at.scalar('float32', min!), at.scalar('float32', max!)]), dtype);
}

/** More steps than float32 tells apart. */
function wideSteps(e: Emitter, real: Value, { scales, zeroPoints }: Quantization): Value {
  const { min, max } = dtypes.int32;
  const number = (v: number) => e.scalar('float64', v);
  const steps = e.emit('Round', [e.emit('Div', [cast(e, real, 'float64'), number(scales[0]!)])]);
  const moved = e.emit('Add', [steps, number(zeroPoints[0]!)]);
  return cast(e, e.emit('Clip', [moved, number(min!), number(max!)]), 'int32');
}

const scaleOf = (e: Emitter, { scales, axis }: Quantization) => floats(e, scales, axis);

const floats = (e: Emitter, values: readonly number[], axis: number | null): Value =>
  axis === null
    ? e.scalar('float32', values[0]!)
    : e.constant(tensorOf('float32', [values.length], values), `${e.node}/scale`);

/** @throws TFLITE_OPERATOR_FORM for one that its type can't hold */
function zeroPointOf(e: Emitter, tensor: TfliteTensor, { zeroPoints, axis }: Quantization): Value {
  const dtype = dtypeOfTensor(tensor)!;
  const { min, max } = dtypes[dtype];
  const outside = zeroPoints.find((z) => z < min! || z > max!);
  if (outside !== undefined) e.refuse(`a zero point of ${outside} in ${dtype}`);
  return axis === null
    ? e.scalar(dtype, zeroPoints[0]!)
    : e.constant(tensorOf(dtype, [zeroPoints.length], zeroPoints), `${e.node}/zero_point`);
}
