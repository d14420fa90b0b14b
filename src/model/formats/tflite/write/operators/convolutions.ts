/** Convolutions over channels-last values. Filters turn from ONNX's [out, in, …k] to [out, …k, in]. */
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { permuted, type Weight, widenedWeight } from '../../../lowered/weights.ts';
import { lifted, paddingOf, type Window, windowOf } from '../../../lowered/window.ts';
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

interface Convolution {
  readonly x: LiteTensor;
  readonly weight: Weight;
  readonly window: Window;
}

/** One spatial axis is two, the first of size 1. */
function onPlane(node: Node, e: Emitter): Convolution {
  const weight = e.weightOf(node.inputs[1]) ?? refuse(node, 'its weight is computed while it runs');
  const window = windowOf(node, refuse, weight.tensor.dims);
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

/** By the operator's name, over channels-last values. */
export const convolutions: LiteRows = { Conv: conv };
