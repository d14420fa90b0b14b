/** Matrix products: the summed axes of both sides go together, the others go on into the output. */
import { intAttribute, textAttribute } from '../../ir/attribute.ts';
import { isOp, type Value } from '../../ir/model.ts';
import { constantTensor } from './constant.ts';
import { broadcastAxes, type ChannelRule, type ChannelTable, type LinkContext, pinNode } from './rule.ts';

/** Axes before the last two broadcast; `skip` of the operand's and of the output's last axes stay out of it. */
function batchAxes(c: LinkContext, v: Value, skip: number, y: Value, skipY: number): void {
  const [x, out] = [c.shape(v)!, c.shape(y)!];
  for (let i = 0; i < x.length - skip; i++) {
    const axis = out.length - skipY - (x.length - skip) + i;
    if (x[i] !== 1 || out[axis] === 1) c.same(v, i, y, axis);
  }
}

const matMul: ChannelRule = (c) => {
  const [a, b] = c.node.inputs;
  const [y] = c.node.outputs;
  const [shapeA, shapeB, out] = [c.shape(a), c.shape(b), c.shape(y)];
  if (!a || !b || !y || !shapeA || !shapeB || !out) return pinNode(c, 'shape-unknown');
  const [vectorA, vectorB] = [shapeA.length === 1, shapeB.length === 1];
  const sumA = shapeA.length - 1;
  const sumB = Math.max(0, shapeB.length - 2);
  const skipY = (vectorA ? 0 : 1) + (vectorB ? 0 : 1);
  c.same(a, sumA, b, sumB);
  if (!vectorA) c.same(a, sumA - 1, y, out.length - (vectorB ? 1 : 2));
  if (!vectorB) c.same(b, shapeB.length - 1, y, out.length - 1);
  batchAxes(c, a, vectorA ? 1 : 2, y, skipY);
  batchAxes(c, b, vectorB ? 1 : 2, y, skipY);
  weight(c, a, sumA, sumA - 1);
  weight(c, b, sumB, shapeB.length - 1);
  // Two activations: what is removed here is removed from both, as in query times key.
  if (!isWeight(a) && !isWeight(b)) c.role(a, sumA, 'in');
};

function weight(c: LinkContext, v: Value, sumAxis: number, outAxis: number): void {
  if (!isWeight(v)) return;
  c.role(v, sumAxis, 'in');
  if (outAxis >= 0 && outAxis !== sumAxis) c.role(v, outAxis, 'out');
}

/** A constant, or one behind a DequantizeLinear, a Cast or the like. */
const isWeight = (v: Value): boolean =>
  constantTensor(v) !== null ||
  (v.producer !== null &&
    isOp(v.producer, ...expanding) &&
    v.producer.inputs[0] != null &&
    isWeight(v.producer.inputs[0]));

const expanding = ['DequantizeLinear', 'Cast', 'Identity', 'Transpose'];

/** Y = α·A'·B' + β·C. */
const gemm: ChannelRule = (c) => {
  const [a, b, bias] = c.node.inputs;
  const [y] = c.node.outputs;
  if (!a || !b || !y || c.shape(y)?.length !== 2) return pinNode(c, 'shape-unknown');
  const [turnA, turnB] = [intAttribute(c.node, 'transA', 0) !== 0, intAttribute(c.node, 'transB', 0) !== 0];
  const [rowsA, sumA] = turnA ? [1, 0] : [0, 1];
  const [sumB, columnsB] = turnB ? [1, 0] : [0, 1];
  c.same(a, sumA, b, sumB);
  c.same(a, rowsA, y, 0);
  c.same(b, columnsB, y, 1);
  weight(c, b, sumB, columnsB);
  weight(c, a, sumA, rowsA);
  if (!bias) return;
  broadcastAxes(c, bias, y);
  const rank = c.shape(bias)?.length ?? 0;
  if (rank > 0) c.role(bias, rank - 1, 'bias');
};

/** Axes with the same letter go together. */
const einsum: ChannelRule = (c) => {
  const [y] = c.node.outputs;
  const [left = '', right] = textAttribute(c.node, 'equation', '').replaceAll(' ', '').split('->');
  const terms = left.split(',');
  const ranks = c.node.inputs.map((v) => c.shape(v)?.length);
  if (!y || right === undefined || left.includes('.') || terms.some((t, i) => t.length !== ranks[i]))
    return pinNode(c, 'einsum-not-followed');
  const first = new Map([...right].map((letter, axis) => [letter, { value: y, axis }]));
  terms.forEach((term, i) => {
    const value = c.node.inputs[i]!;
    [...term].forEach((letter, axis) => {
      const seen = first.get(letter);
      if (!seen) first.set(letter, { value, axis });
      else if (c.shape(value)?.[axis] === 1 && c.shape(seen.value)?.[seen.axis] !== 1) return;
      else c.same(value, axis, seen.value, seen.axis);
      if (constantTensor(value)) c.role(value, axis, right.includes(letter) ? 'out' : 'in');
    });
  });
};

export const matrixChannels: ChannelTable = {
  MatMul: matMul,
  Gemm: gemm,
  Einsum: einsum,
  'com.microsoft:FusedGemm': gemm,
};
