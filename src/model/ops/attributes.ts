/** What operators' schemas say of the numbers in their attributes: how long a list is, and what may stand in it. Shape
 *  inference asks before any rule reads them, so that no rule has to. Sources: ONNX operator schemas; onnxruntime refuses
 *  to open or run what breaks these. Defaults aren't looked at: those of several operators don't fit every rank. */
import { own } from '../../support/own.ts';
import type { Attribute } from '../ir/attribute.ts';
import { type Node, opKey } from '../ir/model.ts';
import type { Shape } from '../ir/type.ts';

export interface AttributeProblem {
  readonly attribute: string;
  /** "2 entries, 1 for each spatial axis" */
  readonly expected: string;
  /** "[1]" */
  readonly received: string;
}

/** What an attribute is held against. */
interface Frame {
  readonly node: Node;
  /** Of input i; null where its rank is unknown. */
  shape(index: number): Shape | null;
  /** Of the first input, or what stands in for it. */
  readonly rank: number | null;
}

/** What should have been there; null where the values are right, or it isn't known. */
type Requirement = (values: readonly number[], at: Frame) => string | null;

interface AttributeRule {
  readonly kind: 'int' | 'ints' | 'floats';
  readonly needs: readonly Requirement[];
}

type Rules = Readonly<Record<string, AttributeRule>>;

const int = (...needs: Requirement[]): AttributeRule => ({ kind: 'int', needs });
const ints = (...needs: Requirement[]): AttributeRule => ({ kind: 'ints', needs });
const floats = (...needs: Requirement[]): AttributeRule => ({ kind: 'floats', needs });

const entries = (count: number) => (count === 1 ? '1 entry' : `${count} entries`);

const atLeast =
  (least: number): Requirement =>
  (values) =>
    values.every((v) => v >= least) ? null : `at least ${least}`;

/** So many entries for each axis of the input behind the first `skip`. */
const perAxis =
  (times: number, skip: number): Requirement =>
  (values, { rank }) => {
    if (rank === null || rank < skip || values.length === times * (rank - skip)) return null;
    return `${entries(times * (rank - skip))}, ${times} for each ${skip > 0 ? 'spatial ' : ''}axis`;
  };

const perSpatialAxis = perAxis(1, 2);

/** The spatial sizes, or all. */
const outputShape: Requirement = (values, at) =>
  values.length === at.rank ? null : perSpatialAxis(values, at);

/** Axes of a tensor that has `more` axes than the first input; a scalar counts as one of one axis, as it does in onnxruntime.
 *  @param end  1 where the place behind the last axis counts too */
const axes =
  (more: (values: readonly number[]) => number = () => 0, end = 0): Requirement =>
  (values, { rank }) => {
    if (rank === null) return null;
    const count = Math.max(rank + more(values), 1);
    return values.every((v) => v >= -count && v < count + end) ? null : `${-count} to ${count - 1 + end}`;
  };

const permutation: Requirement = (values, { rank }) => {
  const count = rank ?? values.length;
  const sorted = [...values].sort((a, b) => a - b);
  const holds = values.length === count && sorted.every((v, i) => v === i);
  return holds ? null : count === 0 ? 'no entry' : `each of 0 to ${count - 1} once`;
};

const asMany =
  (other: string): Requirement =>
  (values, { node }) => {
    const a = node.attributes.get(other);
    return a?.type !== 'ints' || a.value.length === values.length
      ? null
      : `${entries(a.value.length)}, as "${other}" has`;
  };

const asManyAsOutputs: Requirement = (values, { node }) =>
  values.length === node.outputs.length ? null : `${entries(node.outputs.length)}, one for each output`;

/** Parts make up the axis that is split. */
const wholeAxis: Requirement = (values, { node, shape }) => {
  const axis = node.attributes.get('axis');
  const size = shape(0)?.at(axis?.type === 'int' ? Number(axis.value) : 0);
  const sum = values.reduce((a, b) => a + b, 0);
  return typeof size !== 'number' || sum === size ? null : `a sum of ${size}, the size of the axis`;
};

const unless =
  (skip: (at: Frame) => boolean, need: Requirement): Requirement =>
  (values, at) =>
    skip(at) ? null : need(values, at);

const sliding: Rules = {
  kernel_shape: ints(perSpatialAxis, atLeast(1)),
  strides: ints(perSpatialAxis, atLeast(1)),
  dilations: ints(perSpatialAxis, atLeast(1)),
  pads: ints(perAxis(2, 2), atLeast(0)),
};

const convolution: Rules = { ...sliding, group: int(atLeast(1)) };

const transposed: Rules = {
  ...convolution,
  output_padding: ints(perSpatialAxis, atLeast(0)),
  output_shape: ints(outputShape, atLeast(0)),
};

const anAxis: Rules = { axis: int(axes()) };
const someAxes: Rules = { axes: ints(axes()) };

/** One scale for all is along no axis. */
const hasOneScale = ({ shape }: Frame) => shape(1)?.every((d) => d === 1) ?? true;

const ofScale: Rules = { axis: int(unless(hasOneScale, axes())) };

const block: Rules = { blocksize: int(atLeast(1)) };

const all = (keys: string, rules: Rules): Readonly<Record<string, Rules>> =>
  Object.fromEntries(keys.split(' ').map((key) => [key, rules]));

const nhwc = 'com.ms.internal.nhwc:';

/** By opKey, then by attribute. */
export const attributeRules: Readonly<Record<string, Rules>> = {
  ...all(
    'Conv ConvInteger QLinearConv DeformConv com.microsoft:FusedConv com.microsoft:NhwcConv',
    convolution,
  ),
  ...all('com.microsoft:NhwcFusedConv com.microsoft:QLinearConv', convolution),
  ...all(`${nhwc}Conv ${nhwc}QLinearConv`, convolution),
  ...all(`ConvTranspose ${nhwc}ConvTranspose`, transposed),
  ...all('AveragePool MaxPool LpPool MaxUnpool', sliding),
  ...all('com.microsoft:QLinearAveragePool com.microsoft:NhwcMaxPool', sliding),
  ...all('ArgMax ArgMin Compress Concat Gather GatherElements Hardmax LayerNormalization LogSoftmax', anAxis),
  ...all('LpNormalization Scatter ScatterElements Softmax Unique', anAxis),
  ...all(
    'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd',
    someAxes,
  ),
  ...all('ReduceSum ReduceSumSquare Squeeze Resize CenterCropPad', someAxes),
  ...all('QuantizeLinear DequantizeLinear', ofScale),
  ...all('DepthToSpace SpaceToDepth', block),
  TopK: anAxis,
  Flatten: { axis: int(axes(() => 0, 1)) },
  OneHot: { axis: int(axes(() => 1)) },
  Unsqueeze: { axes: ints(axes((values) => values.length)) },
  Transpose: { perm: ints(permutation) },
  Split: { ...anAxis, split: ints(asManyAsOutputs, atLeast(0), wholeAxis) },
  Slice: { starts: ints(), ends: ints(asMany('starts')), axes: ints(asMany('starts'), axes()) },
  Pad: { pads: ints(perAxis(2, 0)), paddings: ints(perAxis(2, 0)) },
  Upsample: { scales: floats(perAxis(1, 0)) },
  LRN: { size: int(atLeast(1)) },
};

/** The first attribute of a node that its operator's schema doesn't allow.
 *  @param shape  of input i, null where its rank is unknown */
export function attributeProblem(
  node: Node,
  shape: (index: number) => Shape | null,
): AttributeProblem | null {
  const rules = own(attributeRules, opKey(node));
  if (!rules) return null;
  const frame = { node, shape, rank: rankOf(node, shape) };
  for (const [name, rule] of Object.entries(rules)) {
    const given = node.attributes.get(name);
    if (!given || given.type === 'reference') continue;
    const expected = unmet(given, rule, frame);
    if (expected !== null) return { attribute: name, expected, received: received(given) };
  }
  return null;
}

/** A window's own size tells how many axes it moves along, where the input doesn't. */
function rankOf(node: Node, shape: (index: number) => Shape | null): number | null {
  const kernel = node.attributes.get('kernel_shape');
  return shape(0)?.length ?? (kernel?.type === 'ints' ? kernel.value.length + 2 : null);
}

const kinds = { int: 'an integer', ints: 'a list of integers', floats: 'a list of numbers' };

function unmet(given: Attribute, { kind, needs }: AttributeRule, frame: Frame): string | null {
  if (given.type !== kind) return kinds[kind];
  const values = given.type === 'int' ? [Number(given.value)] : given.value.map(Number);
  for (const need of needs) {
    const expected = need(values, frame);
    if (expected !== null) return expected;
  }
  return null;
}

function received(given: Attribute): string {
  if (given.type === 'int' || given.type === 'float') return String(given.value);
  return given.type === 'ints' || given.type === 'floats' ? `[${given.value.join(', ')}]` : `a ${given.type}`;
}
