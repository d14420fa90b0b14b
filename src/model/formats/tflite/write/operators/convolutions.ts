/** Convolutions over channels-last values. Filters turn from ONNX's [out, in, …k] to [out, …k, in]. */
import { intAttribute, intsAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { float32Values, tensorOf } from '../../../../ir/tensor.ts';
import {
  floatWeight,
  permuted,
  plainWeight,
  spreadWeight,
  type Weight,
  widenedWeight,
} from '../../../lowered/weights.ts';
import { extents, lifted, paddingOf, type Sides, type Window, windowOf } from '../../../lowered/window.ts';
import { paddings } from '../../codes.ts';
import {
  activated,
  type Emitter,
  type LiteRow,
  type LiteRows,
  refuse,
  reshaped,
  shapeAt,
  shaped,
} from '../emitter.ts';
import type { LiteTensor, LiteType } from '../graph.ts';
import { biasOf, isBias, isKernel, kernelOf } from './kernels.ts';
import { padded } from './padding.ts';
import { cutAlong } from './slicing.ts';

interface Convolution {
  readonly x: LiteTensor;
  readonly weight: Weight;
  readonly window: Window;
}

/** One spatial axis is two, the first of size 1. */
function onPlane(node: Node, e: Emitter): Convolution {
  const weight = e.weightOf(node.inputs[1]) ?? refuse(node, 'its weight is computed while it runs');
  const window = windowOf(node, weight.tensor.dims);
  const x = e.input(node, 0);
  if (window.spatial.length !== 1) return { x, weight, window };
  const [n, w, c] = x.shape as readonly [number, number, number];
  return { x: reshaped(e, x, [n, 1, w, c]), weight: widenedWeight(weight, 2), window: lifted(window) };
}

/** Sizes of the result, one spatial axis as two. */
export const planeOf = ({ shape }: LiteType): number[] =>
  shape.length === 3 ? [shape[0]!, 1, shape[1]!, shape[2]!] : [...shape];

const conv: LiteRow = {
  fuses: true,
  integers: {
    kind: 'free',
    ready: (node, e) =>
      isKernel(e.weightOf(node.inputs[1]), 0) &&
      isBias(node.inputs[2], e) &&
      (shapeOf(node.inputs[0])?.length ?? 0) <= 4,
  },
  emit(node, e) {
    const made = onPlane(node, e);
    const result = e.result();
    if (made.window.spatial.length === 3) return conv3d(node, e, made);
    const type = shaped(result, planeOf(result));
    const { group } = made.window;
    const depthwise = group > 1 && group === shapeAt(node, 0).at(-1);
    const y = (depthwise ? depthwiseConv : plainConv)(node, e, made, type);
    return reshaped(e, y, result.shape);
  },
};

/** Pads that are neither VALID nor SAME become a PAD before. */
function inside(e: Emitter, x: LiteTensor, window: Window) {
  const padding = paddingOf(window);
  const sides = padding === 'EXPLICIT' ? window.sides! : null;
  return {
    x: sides ? padded(e, x, [[0, 0], ...sides, [0, 0]], 0) : x,
    padding: paddings.indexOf(padding === 'SAME' ? 'SAME' : 'VALID'),
  };
}

function settings(e: Emitter, { strides, dilations }: Window, padding: number) {
  const [strideH, strideW] = strides;
  const [dilationHFactor, dilationWFactor] = dilations;
  return {
    ...{ padding, strideW: strideW!, strideH: strideH!, ...activated(e) },
    ...{ dilationWFactor: dilationWFactor!, dilationHFactor: dilationHFactor! },
  };
}

/** Groups are seen from the depth of the filter. */
function plainConv(node: Node, e: Emitter, { x, weight, window }: Convolution, type: LiteType): LiteTensor {
  const kernel = kernelOf(e, permuted(weight, [0, 2, 3, 1]));
  const made = inside(e, x, window);
  const bias = biasOf(node, e, { index: 2, x, kernel, channels: kernel.shape[0]! });
  const values = settings(e, window, made.padding);
  return e.op('CONV_2D', [made.x, kernel, bias], type, ['Conv2DOptions', values]);
}

/** [out, 1, h, w] → [1, h, w, out] */
function depthwiseConv(
  node: Node,
  e: Emitter,
  { x, weight, window }: Convolution,
  type: LiteType,
): LiteTensor {
  const kernel = kernelOf(e, permuted(weight, [1, 2, 3, 0]));
  const made = inside(e, x, window);
  const channels = kernel.shape[3]!;
  const bias = biasOf(node, e, { index: 2, x, kernel, channels });
  const values = { ...settings(e, window, made.padding), depthMultiplier: channels / window.group };
  return e.op('DEPTHWISE_CONV_2D', [made.x, kernel, bias], type, ['DepthwiseConv2DOptions', values]);
}

/** Floats only. [out, in, d, h, w] → [d, h, w, in, out] */
function conv3d(node: Node, e: Emitter, { x, weight, window }: Convolution): LiteTensor {
  if (window.group !== 1) return refuse(node, 'it has groups over three spatial axes');
  const kernel = e.weight(permuted(weight, [2, 3, 4, 1, 0]));
  const made = inside(e, x, window);
  const bias = biasOf(node, e, { index: 2, x, kernel, channels: kernel.shape[4]! });
  const { padding, strideH: strideD, strideW: strideH, ...rest } = settings(e, window, made.padding);
  const [dilationDFactor, dilationHFactor, dilationWFactor] = window.dilations;
  const values = {
    ...{ padding, strideD, strideH, strideW: window.strides[2]! },
    ...{ fusedActivationFunction: rest.fusedActivationFunction },
    ...{
      dilationDFactor: dilationDFactor!,
      dilationHFactor: dilationHFactor!,
      dilationWFactor: dilationWFactor!,
    },
  };
  return e.op('CONV_3D', [made.x, kernel, bias], e.result(), ['Conv3DOptions', values]);
}

/** Pads of a transposed convolution along one axis: out = s·(in − 1) + extent + more − begin − end. */
function transposedSides(node: Node, window: Window): Sides {
  const { outputShape, spatial, strides, outputPadding } = window;
  if (!outputShape) return window.sides!;
  return extents(window).map((extent, i) => {
    const total = strides[i]! * ((spatial[i] as number) - 1) + extent + outputPadding[i]! - outputShape[i]!;
    if (total < 0) return refuse(node, 'output_shape is larger than its kernel reaches');
    const half = Math.floor(total / 2);
    const begin = textAttribute(node, 'auto_pad', 'NOTSET') === 'SAME_UPPER' ? half : total - half;
    return [begin, total - begin] as const;
  });
}

const convTranspose: LiteRow = {
  integers: {
    kind: 'free',
    ready: (node, e) =>
      isKernel(e.weightOf(node.inputs[1]), 1) &&
      isBias(node.inputs[2], e) &&
      intAttribute(node, 'group', 1) === 1 &&
      (intsAttribute(node, 'dilations') ?? []).every((d) => d === 1) &&
      (shapeOf(node.inputs[0])?.length ?? 5) <= 4,
  },
  emit(node, e) {
    const { x, weight, window } = onPlane(node, e);
    if (window.spatial.length !== 2) return refuse(node, 'it has three spatial axes');
    const spread = spreadWeight(weight, 2, window.dilations);
    const made = { ...window, sides: transposedSides(node, window), kernel: extents(window) };
    const whole = window.group === 1 ? spread : joinedGroups(spread, window.group);
    return reshaped(e, transposedConv(node, e, { x, weight: whole, window: made }), e.result().shape);
  },
};

/** [in, out/groups, h, w] → [in, out, h, w]: zeros where a group has no part in the others. */
function joinedGroups(weight: Weight, groups: number): Weight {
  const { dims } = weight.tensor;
  const [inputs, each, h, w] = dims as readonly [number, number, number, number];
  const values = float32Values(floatWeight(weight));
  const block = each * h * w;
  const joined = new Float32Array(values.length * groups);
  for (let i = 0; i < inputs; i++) {
    const group = Math.floor((i * groups) / inputs);
    joined.set(values.subarray(i * block, (i + 1) * block), (i * groups + group) * block);
  }
  return plainWeight(tensorOf('float32', [inputs, each * groups, h, w], joined));
}

/** All that the kernel reaches, and what pads cut of it; SAME cuts by itself where it cuts the same.
 *  [in, out, h, w] → [out, h, w, in] */
function transposedConv(node: Node, e: Emitter, { x, weight, window }: Convolution): LiteTensor {
  const kernel = kernelOf(e, permuted(weight, [1, 2, 3, 0]));
  const channels = kernel.shape[0]!;
  const bias = biasOf(node, e, { index: 2, x, kernel, channels });
  const { strides, kernel: size, outputPadding, spatial } = window;
  const sides = window.sides!;
  const reach = size.map((k, i) => strides[i]! * ((spatial[i] as number) - 1) + k + outputPadding[i]!);
  const cut = reach.map((d, i) => d - sides[i]![0] - sides[i]![1]);
  const same = cut.every((out, i) => {
    const total = Math.max(0, (Math.ceil(out / strides[i]!) - 1) * strides[i]! + size[i]! - out);
    return Math.ceil(out / strides[i]!) === spatial[i] && Math.floor(total / 2) === sides[i]![0];
  });
  const plane = same ? cut : reach;
  const shape = [x.shape[0]!, ...plane, channels];
  const values = {
    padding: paddings.indexOf(same ? 'SAME' : 'VALID'),
    strideH: strides[0]!,
    strideW: strides[1]!,
    fusedActivationFunction: 0,
  };
  const type = shaped(e.result(), shape);
  const y = e.op('TRANSPOSE_CONV', [e.int(shape), kernel, x, bias], type, ['TransposeConvOptions', values]);
  return [1, 2].reduce((part, axis) => {
    const from = same ? 0 : sides[axis - 1]![0];
    return cutAlong(e, part, axis, from, from + cut[axis - 1]!);
  }, y);
}

/** By the operator's name, over channels-last values. */
export const convolutions: LiteRows = { Conv: conv, ConvTranspose: convTranspose };
