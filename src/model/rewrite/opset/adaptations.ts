/** What a node has to change when its operator's definition changes, keyed by operator and the version that brought the
 *  change. A node arrives conforming to the version before. Sources: ONNX Changelog; for the rounding of old
 *  Resize and Upsample, what onnxruntime computes. */

import { floatAttribute, intAttribute, intsAttribute, textAttribute } from '../../ir/attribute.ts';
import { removeInitializer, setAttribute, setInput } from '../../ir/edit.ts';
import { constantOf, dtypeOf, isOp, type Node, shapeOf } from '../../ir/model.ts';
import { defineNote } from '../../ir/note.ts';
import { elementCount, scalar, tensorOf } from '../../ir/tensor.ts';
import { constantNumbers, normalAxis, rankOf } from '../arguments.ts';
import { type Adaptation, type Adapter, firstOutputOnly } from './adapter.ts';
import { flattenAround, replaceNode } from './edits.ts';
import { legacy } from './legacy.ts';
import { retired } from './retired.ts';

/** Attribute of integers → input. */
const intsToInput =
  (name: string, index: number): Adaptation =>
  (node, a) => {
    const values = intsAttribute(node, name);
    setAttribute(node, name, undefined);
    if (values && (values.length > 0 || !isOp(node, ...reductions)))
      setInput(node, index, a.constant(node, name, tensorOf('int64', [values.length], values)));
  };

const reductions = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
];

/** A float attribute that is an input of the data's own type from now on. */
function floatInput(node: Node, name: string, index: number, a: Adapter): void {
  if (!node.attributes.has(name)) return;
  const dtype = dtypeOf(node.inputs[0]);
  if (!dtype) throw a.unsupported(node, 'the type of its input is not known');
  setInput(node, index, a.constant(node, name, scalar(dtype, floatAttribute(node, name, 0))));
  setAttribute(node, name, undefined);
}

const clip: Adaptation = (node, a) => {
  floatInput(node, 'min', 1, a);
  floatInput(node, 'max', 2, a);
};

const pad: Adaptation = (node, a) => {
  intsToInput('pads', 1)(node, a);
  floatInput(node, 'value', 2, a);
};

const slice: Adaptation = (node, a) => {
  intsToInput('starts', 1)(node, a);
  intsToInput('ends', 2)(node, a);
  intsToInput('axes', 3)(node, a);
};

const topK: Adaptation = (node, a) => {
  setInput(node, 1, a.constant(node, 'k', tensorOf('int64', [1], [intAttribute(node, 'k', 1)])));
  setAttribute(node, 'k', undefined);
};

const batchNormSpatial: Adaptation = (node, a) => {
  if (intAttribute(node, 'spatial', 1) !== 1) throw a.unsupported(node, 'spatial = 0 has no successor');
  setAttribute(node, 'spatial', undefined);
};

/** Before 13 these flattened their input to two dimensions at `axis` and normalised the second; axis was 1 by default. */
const softmax: Adaptation = (node, a) => {
  const given = intAttribute(node, 'axis', 1);
  if (given === -1) return setAttribute(node, 'axis', -1);
  const rank = rankOf(node.inputs[0]);
  if (rank === null) throw a.unsupported(node, 'the rank of its input is not known');
  const axis = normalAxis(given, rank);
  const shape = shapeOf(node.inputs[0])!;
  if (axis === rank - 1) setAttribute(node, 'axis', -1);
  else if (shape.slice(axis + 1).every((d) => d === 1)) setAttribute(node, 'axis', axis);
  else flattenAround(node, axis);
};

/** Upsample became Resize. Its scales are ≥ 1 by definition. */
const upsample: Adaptation = (node) => {
  enlarges.set(replaceNode(node, { opType: 'Resize' }), true);
};

/** On a Resize that was an Upsample. */
const enlarges = defineNote<Node, true>('enlarges');

const upsampleScales: Adaptation = (node, a) => {
  const scales = node.attributes.get('scales');
  if (scales?.type !== 'floats') throw a.unsupported(node, 'it has no scales');
  setInput(node, 1, a.constant(node, 'scales', tensorOf('float32', [scales.value.length], scales.value)));
  setAttribute(node, 'scales', undefined);
};

/** Resize 10 took (x, scales), placed pixels asymmetrically and rounded down when enlarging, up when shrinking. */
const resize: Adaptation = (node, a) => {
  const [x = null, scales = null] = node.inputs;
  if (textAttribute(node, 'mode', 'nearest') === 'nearest') {
    const known = constantNumbers(scales);
    const shrinks = known?.some((s) => s < 1) ?? false;
    if (!known && !enlarges.has(node))
      throw a.unsupported(node, 'its scales are known only at run time, and so is how it rounds');
    if (shrinks && known?.some((s) => s > 1))
      throw a.unsupported(node, 'it shrinks one axis and enlarges another');
    setAttribute(node, 'nearest_mode', shrinks ? 'ceil' : 'floor');
  }
  enlarges.delete(node);
  setAttribute(node, 'coordinate_transformation_mode', 'asymmetric');
  const roi = a.constant(node, 'roi', tensorOf('float32', [0], []));
  [x, roi, scales].forEach((v, i) => {
    setInput(node, i, v);
  });
};

/** What is given as an empty tensor may be left out since 13. */
const resizeEmpty: Adaptation = (node) => {
  for (const index of [1, 2]) {
    const value = node.inputs[index];
    const tensor = constantOf(value);
    if (!value || !tensor || elementCount(tensor.dims) > 0) continue;
    setInput(node, index, null);
    if (value.uses.length === 0 && node.graph.initializers.has(value)) removeInitializer(node.graph, value);
  }
};

const splitCount: Adaptation = (node) => {
  if (!node.inputs[1]) setAttribute(node, 'num_outputs', node.outputs.length);
};

const gridSample: Adaptation = (node) => {
  const renamed: Record<string, string> = { bilinear: 'linear', bicubic: 'cubic' };
  const mode = textAttribute(node, 'mode', 'bilinear');
  setAttribute(node, 'mode', renamed[mode] ?? mode);
};

const dftAxis: Adaptation = (node, a) => {
  const axis = intAttribute(node, 'axis', 1);
  setAttribute(node, 'axis', undefined);
  setInput(node, 2, a.constant(node, 'axis', tensorOf('int64', [], [axis])));
};

const refused =
  (reason: string): Adaptation =>
  (node, a) => {
    throw a.unsupported(node, reason);
  };

const axes = intsToInput('axes', 1);

type Adaptations = Readonly<Record<string, Readonly<Record<number, Adaptation>>>>;

const modern: Adaptations = {
  ...Object.fromEntries(Object.entries(retired).map(([op, adapt]) => [op, { 10: adapt }])),
  ...Object.fromEntries(
    reductions.map((op): [string, Record<number, Adaptation>] => [
      op,
      op === 'ReduceSum' ? { 13: axes } : { 18: axes },
    ]),
  ),
  // Until 14 it trained when it had the further outputs.
  BatchNormalization: { 9: batchNormSpatial, 14: firstOutputOnly('it is in training mode') },
  Clip: { 11: clip },
  DFT: { 20: dftAxis },
  Dropout: {
    10: firstOutputOnly('its mask is used'),
    12: (node) => setAttribute(node, 'ratio', undefined),
  },
  GridSample: { 20: gridSample },
  GroupNormalization: { 21: refused('scale and bias changed from per group to per channel') },
  Hardmax: { 13: softmax },
  LogSoftmax: { 13: softmax },
  Pad: { 11: pad },
  Resize: { 11: resize, 13: resizeEmpty },
  RoiAlign: { 16: (node) => setAttribute(node, 'coordinate_transformation_mode', 'output_half_pixel') },
  Scan: { 9: refused('it has a batch dimension, which Scan lost') },
  Scatter: { 11: (node) => void replaceNode(node, { opType: 'ScatterElements' }) },
  Slice: { 10: slice },
  Softmax: { 13: softmax },
  Split: { 13: intsToInput('split', 1), 18: splitCount },
  Squeeze: { 13: axes },
  TopK: { 10: topK },
  Unsqueeze: { 13: axes },
  Upsample: { 9: upsampleScales, 10: upsample },
};

export const adaptations: Adaptations = Object.fromEntries(
  [...new Set([...Object.keys(legacy), ...Object.keys(modern)])].map((op) => [
    op,
    { ...legacy[op], ...modern[op] },
  ]),
);
