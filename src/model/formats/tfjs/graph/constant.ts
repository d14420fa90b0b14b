/** Constants of a graph: by name among the weights, or in the node itself. */
import { tfjsMalformed, tfjsWeightMissing } from '../../../../support/diagnostics/tfjs.ts';
import { stringTensor, type Tensor, tensorOf } from '../../../ir/tensor.ts';
import { computedType, decodeBytes, shapeOf, typeNameOf } from './attributes.ts';
import type { GraphNode } from './graph-def.ts';
import type { Program } from './scope.ts';

/** @throws TFJS_WEIGHT_MISSING, TFJS_MALFORMED */
export function constantTensor(
  { weights, file }: Pick<Program, 'weights' | 'file'>,
  node: GraphNode,
): Tensor {
  const weight = weights.get(node.name);
  if (weight) return weight;
  const inline = node.attributes.tensor('value');
  if (!inline || Object.keys(inline).length === 0) throw tfjsWeightMissing(file, node.name);
  return inlineTensor(inline, `Const "${node.name}"`);
}

/** Fields of a TensorProto that hold numbers. Source: tensorflow core/framework/tensor.proto. */
const lists = ['floatVal', 'doubleVal', 'intVal', 'int64Val', 'boolVal', 'halfVal'];

function inlineTensor(proto: Readonly<Record<string, unknown>>, where: string): Tensor {
  const fail = () => tfjsMalformed(where, 'its tensor');
  const typeName = typeNameOf(proto['dtype']);
  const dtype = computedType(typeName);
  const dims = shapeOf(proto['tensorShape'], fail) ?? [];
  if (!dtype || dtype === 'complex64' || dims.some((d) => d < 0)) throw fail();
  const count = dims.reduce((a, b) => a * b, 1);
  if (dtype === 'string') {
    const texts = Array.isArray(proto['stringVal']) ? proto['stringVal'] : [];
    return stringTensor(
      dims,
      filled(
        texts.map((raw) => decodeBytes(raw, fail)),
        count,
        fail,
      ),
    );
  }
  const content = proto['tensorContent'];
  const values =
    content === undefined || content === ''
      ? lists.flatMap((list) => (Array.isArray(proto[list]) ? (proto[list] as unknown[]).map(Number) : []))
      : elements(typeName!, decodeBytes(content, fail), fail);
  return tensorOf(dtype, dims, filled(values.length === 0 ? [0] : values, count, fail));
}

/** The last of a list stands for all that follow. */
function filled<T>(values: readonly T[], count: number, fail: () => Error): T[] {
  if (values.length > count || values.length === 0 || count > largestFilled) {
    if (count === values.length) return [...values];
    throw fail();
  }
  return Array.from({ length: count }, (_, i) => values[Math.min(i, values.length - 1)]!);
}

/** Numbers that one element of text may stand for. */
const largestFilled = 1 << 20;

function elements(typeName: string, bytes: Uint8Array, fail: () => Error): number[] {
  const { buffer } = bytes.slice();
  const whole = (size: number) => {
    if (bytes.length % size !== 0) throw fail();
    return buffer;
  };
  if (typeName === 'DT_FLOAT') return Array.from(new Float32Array(whole(4)));
  if (typeName === 'DT_DOUBLE') return Array.from(new Float64Array(whole(8)));
  if (typeName === 'DT_INT32') return Array.from(new Int32Array(whole(4)));
  if (typeName === 'DT_INT64') return Array.from(new BigInt64Array(whole(8)), Number);
  if (typeName === 'DT_INT8') return Array.from(new Int8Array(buffer));
  if (typeName === 'DT_UINT8' || typeName === 'DT_BOOL') return Array.from(bytes);
  throw fail();
}
