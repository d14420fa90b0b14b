/** The version of each operator: runtimes refuse those that they are too old for.
 *  Facts from LiteRT's tflite/converter/tools/versioning/op_version.cc, for the types that are written here. */
import type { BuiltinOperator } from '../codes.ts';
import { isPerChannel, type LiteOperator, type LiteTensor } from './graph.ts';

type Rule = (operator: LiteOperator) => number;

const typeAt = ({ inputs }: LiteOperator, index = 0) => inputs[index]?.type;
const rankAt = ({ inputs }: LiteOperator, index = 0) => inputs[index]?.shape.length ?? 0;
const option = ({ options }: LiteOperator, name: string) => Number(options?.[1][name] ?? 0);

/** 2 for int8. */
const narrow: Rule = (o) => (typeAt(o) === 'int8' ? 2 : 1);
const always =
  (version: number): Rule =>
  () =>
    version;

const isHybrid = (o: LiteOperator) => typeAt(o) === 'float32' && typeAt(o, 1) === 'int8';

const conv: Rule = (o) => {
  const [x, filter] = o.inputs as readonly LiteTensor[];
  if (x!.shape.at(-1) !== filter!.shape.at(-1)) return 6;
  if (isHybrid(o)) return isPerChannel(filter) ? 5 : 2;
  return typeAt(o) === 'int8' ? 3 : 1;
};

const depthwise: Rule = (o) => {
  if (isHybrid(o)) return isPerChannel(o.inputs[1]) ? 6 : 4;
  if (typeAt(o) === 'int8') return 3;
  return option(o, 'dilationWFactor') > 1 || option(o, 'dilationHFactor') > 1 ? 2 : 1;
};

const fullyConnected: Rule = (o) => {
  if (isHybrid(o) && isPerChannel(o.inputs[1])) return 12;
  if (!o.inputs[2]) return 6;
  if (option(o, 'keepNumDims') !== 0) return 5;
  if (isHybrid(o)) return option(o, 'asymmetricQuantizeInputs') !== 0 ? 9 : 3;
  return typeAt(o) === 'int8' ? 4 : 1;
};

const mul: Rule = (o) => {
  const scale = (t: LiteTensor | null | undefined) => t?.quantization?.scale[0] ?? 0;
  const [a, b, y] = [scale(o.inputs[0]), scale(o.inputs[1]), scale(o.outputs[0])];
  if (a !== 0 && b !== 0 && y !== 0 && (a * b) / y >= 1) return 3;
  return narrow(o);
};

const transposeConv: Rule = (o) => {
  if (option(o, 'fusedActivationFunction') !== 0) return 4;
  if (o.inputs[3]) return 3;
  return typeAt(o, 1) === 'int8' ? 2 : 1;
};

/** By rank beyond four, then by type. */
const movement =
  (deep: number): Rule =>
  (o) => {
    if (rankAt(o) > 4) return deep;
    if (typeAt(o) === 'bool') return 3;
    return narrow(o);
  };

/** Operands of different shapes and more than four axes. */
const wideBroadcast =
  (wide: number, otherwise: Rule): Rule =>
  (o) => {
    const [a, b] = o.inputs.map((t) => t?.shape ?? []);
    const differs = a!.join() !== b!.join();
    return differs && Math.max(a!.length, b!.length) > 4 ? wide : otherwise(o);
  };

const padding: Rule = (o) => (typeAt(o) === 'bool' ? 5 : rankAt(o) > 4 ? 4 : narrow(o));
const narrowOrByte: Rule = (o) => (typeAt(o) === 'uint8' ? 2 : narrow(o));
const byOptions =
  (version: number, ...names: string[]): Rule =>
  (o) =>
    names.some((name) => option(o, name) !== 0) ? version : narrow(o);

/** 1 for operators that aren't listed. */
const rules: Partial<Record<BuiltinOperator, Rule>> = {
  ABS: (o) => (typeAt(o) === 'int32' ? 5 : narrowOrByte(o)),
  ADD: narrow,
  ARG_MAX: (o) => (typeAt(o) === 'bool' ? 3 : narrow(o)),
  ARG_MIN: (o) => (typeAt(o) === 'bool' ? 3 : narrow(o)),
  AVERAGE_POOL_2D: narrow,
  BATCH_MATMUL: narrow,
  BATCH_TO_SPACE_ND: (o) => (rankAt(o) === 4 ? narrow(o) : 3),
  BROADCAST_TO: (o) => (typeAt(o) === 'int8' ? 3 : 2),
  CAST: (o) => (typeAt(o) === 'int8' || o.outputs[0]!.type === 'int8' ? 3 : 1),
  CONCATENATION: narrow,
  CONV_2D: conv,
  DEPTHWISE_CONV_2D: depthwise,
  DEPTH_TO_SPACE: narrow,
  DEQUANTIZE: (o) =>
    typeAt(o) === 'int4'
      ? 6
      : typeAt(o) === 'float16'
        ? 3
        : typeAt(o) === 'int8'
          ? isPerChannel(o.inputs[0])
            ? 5
            : 2
          : 1,
  DIV: wideBroadcast(2, always(1)),
  EQUAL: narrow,
  FILL: (o) => (typeAt(o, 1) === 'int8' ? 3 : typeAt(o, 1) === 'bool' ? 2 : 1),
  FLOOR_DIV: (o) => (typeAt(o) === 'float32' ? 2 : 1),
  FULLY_CONNECTED: fullyConnected,
  GATHER: (o) => (option(o, 'batchDims') !== 0 ? 5 : typeAt(o) === 'bool' ? 3 : narrow(o)),
  GATHER_ND: (o) => (typeAt(o) === 'bool' ? 5 : 1),
  GELU: narrowOrByte,
  GREATER: narrow,
  GREATER_EQUAL: narrow,
  L2_NORMALIZATION: narrow,
  LESS: narrow,
  LESS_EQUAL: narrow,
  LOGISTIC: narrow,
  LOG_SOFTMAX: narrow,
  MAXIMUM: wideBroadcast(3, narrow),
  MAX_POOL_2D: narrow,
  MEAN: narrow,
  MINIMUM: wideBroadcast(3, narrow),
  MIRROR_PAD: narrow,
  MUL: mul,
  NOT_EQUAL: narrow,
  PACK: narrow,
  PAD: padding,
  PADV2: padding,
  REDUCE_MAX: narrow,
  REDUCE_MIN: narrow,
  RELU: narrowOrByte,
  RELU6: narrow,
  RESIZE_BILINEAR: byOptions(3, 'halfPixelCenters'),
  RESIZE_NEAREST_NEIGHBOR: byOptions(3, 'halfPixelCenters', 'alignCorners'),
  REVERSE_V2: (o) => (typeAt(o) === 'int8' ? 3 : typeAt(o) === 'bool' ? 2 : 1),
  SIGN: (o) => (typeAt(o) === 'int32' ? 2 : 1),
  SLICE: (o) => (rankAt(o) > 4 ? 5 : narrow(o)),
  SOFTMAX: narrow,
  SPACE_TO_BATCH_ND: (o) => (rankAt(o) === 4 ? narrow(o) : 3),
  SPACE_TO_DEPTH: narrow,
  SPLIT: (o) => (typeAt(o, 1) === 'int32' ? 3 : typeAt(o, 1) === 'int8' ? 2 : 1),
  SPLIT_V: narrow,
  SQUARED_DIFFERENCE: narrow,
  STRIDED_SLICE: movement(4),
  SUB: wideBroadcast(3, narrow),
  SUM: narrow,
  TANH: narrow,
  TILE: (o) => (typeAt(o) === 'int8' ? 3 : 1),
  TOPK_V2: narrow,
  TRANSPOSE: (o) => (rankAt(o) > 6 ? 8 : rankAt(o) > 5 ? 6 : movement(4)(o)),
  TRANSPOSE_CONV: transposeConv,
  UNPACK: (o) => (typeAt(o) === 'bool' ? 3 : narrowOrByte(o)),
};

export const versionOf = (operator: LiteOperator): number => rules[operator.op]?.(operator) ?? 1;
