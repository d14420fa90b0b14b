/** Quantisation operators, ai.onnx and com.microsoft. */
import { intAttribute } from '../../ir/attribute.ts';
import { type DType, dtypeFromCode, dtypes } from '../../ir/dtype.ts';
import { multiply } from '../dims.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { broadcastShapes, normalAxis, replaced, tensor } from './common.ts';

const typeAttribute = (c: ShapeContext, name: string): DType | null => {
  const code = intAttribute(c.node, name, 0);
  return code === 0 ? null : dtypeFromCode(code, `${c.node.opType}.${name}`);
};

const quantize: ShapeRule = (c) => [
  tensor(c.has(2) ? c.dtype(2) : (typeAttribute(c, 'output_dtype') ?? 'uint8'), c.shape(0)),
];

const dequantize: ShapeRule = (c) => [
  tensor(typeAttribute(c, 'output_dtype') ?? c.dtype(1) ?? 'float32', c.shape(0)),
];

/** a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero. */
const qLinearBinary: ShapeRule = (c) => [tensor(c.dtype(0), broadcastShapes(c.shape(0), c.shape(3)))];

/** Quantised table [..] → float, gathered along gather_axis. uint8 data hold two 4-bit values each. */
const gatherBlockQuantized: ShapeRule = (c) => {
  const [data, indices] = [c.shape(0), c.shape(1)];
  if (!data || !indices) return [tensor(c.dtype(2), null)];
  const bits = intAttribute(c.node, 'bits', 4);
  const stored = c.dtype(0);
  const each = stored && dtypes[stored].bits === 8 ? 8 / bits : 1;
  const whole = replaced(data, data.length - 1, multiply(data[data.length - 1]!, each));
  const axis = normalAxis(intAttribute(c.node, 'gather_axis', 0), data.length);
  return [tensor(c.dtype(2), [...whole.slice(0, axis), ...indices, ...whole.slice(axis + 1)])];
};

/** y_scale, y_zero_point, then (tensor, scale, zero point) thrice and more. */
const qLinearConcat: ShapeRule = (c) => {
  const shape = c.shape(2);
  if (!shape) return [tensor(c.dtype(2), null)];
  const axis = normalAxis(intAttribute(c.node, 'axis', 0), shape.length);
  let size: number | null = 0;
  for (let i = 2; i < c.node.inputs.length; i += 3) {
    const d = c.shape(i)?.[axis];
    size = typeof d === 'number' && size !== null ? size + d : null;
  }
  return [tensor(c.dtype(2), replaced(shape, axis, size))];
};

export const quantizationShapes: ShapeTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  'com.microsoft:QuantizeLinear': quantize,
  'com.microsoft:DequantizeLinear': dequantize,
  DynamicQuantizeLinear: (c) => [tensor('uint8', c.shape(0)), tensor('float32', []), tensor('uint8', [])],
  'com.microsoft:QLinearAdd': qLinearBinary,
  'com.microsoft:QLinearMul': qLinearBinary,
  'com.microsoft:QLinearConcat': qLinearConcat,
  'com.microsoft:GatherBlockQuantized': gatherBlockQuantized,
};
