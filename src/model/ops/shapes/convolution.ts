/** Convolutions, pooling and what else slides a window over space. */
import { shapeConflict } from '../../../support/diagnostics/graph.ts';
import { intAttribute } from '../../ir/attribute.ts';
import type { Dim, Shape } from '../../ir/type.ts';
import { type ConvGeometry, convGeometry } from '../defaults.ts';
import { add, divideCeil, divideFloor, multiply, subtract } from '../dims.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { matrixOf } from '../weights.ts';
import { requireRank, tensor, unknowns } from './common.ts';

/** Output size along spatial axis i: ⌊(in + pads − extent)/stride⌋ + 1, rounded up in ceil mode. */
function windowOutput(g: ConvGeometry, size: Dim, i: number): Dim {
  const n = g.kernel.length;
  const stride = g.strides[i]!;
  if (g.autoPad === 'SAME_UPPER' || g.autoPad === 'SAME_LOWER') return divideCeil(size, stride);
  const [begin, end] = [g.pads![i]!, g.pads![n + i]!];
  const extent = (g.kernel[i]! - 1) * g.dilations[i]! + 1;
  const room = subtract(add(size, begin + end), extent);
  if (!g.ceilMode) return add(divideFloor(room, stride), 1);
  const count = add(divideCeil(room, stride), 1);
  // A window that would start in the padding at the end is dropped.
  if (extent >= stride + end) return count;
  if (typeof count !== 'number' || typeof size !== 'number') return null;
  return (count - 1) * stride >= size + begin ? count - 1 : count;
}

function windowShape(c: ShapeContext, g: ConvGeometry | null, channels?: Dim): Shape | null {
  const shape = c.shape(0);
  if (!shape) return null;
  requireRank(shape, 3, 'A window over space');
  if (!g) return [shape[0]!, channels === undefined ? shape[1]! : channels, ...unknowns(shape.length - 2)];
  const spatial = shape.slice(2).map((d, i) => windowOutput(g, d, i));
  return [shape[0]!, channels === undefined ? shape[1]! : channels, ...spatial];
}

const conv =
  (dtypeOf: (c: ShapeContext) => ReturnType<ShapeContext['dtype']>): ShapeRule =>
  (c) => {
    const matrix = matrixOf(c.node);
    if (!matrix) throw shapeConflict(`${c.node.opType} has ${c.node.inputs.length} inputs, and no weight`);
    const weight = c.shape(matrix.index);
    if (!c.shape(0) && weight)
      return [tensor(dtypeOf(c), [null, weight[0]!, ...unknowns(weight.length - 2)])];
    const geometry = convGeometry(c.node, { input: c.shape(0), weight });
    return [tensor(dtypeOf(c), windowShape(c, geometry, weight ? weight[0]! : null))];
  };

const convTranspose: ShapeRule = (c) => {
  const [shape, weight] = [c.shape(0), c.shape(1)];
  const g = convGeometry(c.node, { input: shape, weight });
  if (!shape || !weight || !g) return [tensor(c.dtype(0), null)];
  const n = g.kernel.length;
  const spatial = shape.slice(2).map((d, i) => {
    if (g.outputShape) return g.outputShape[i]!;
    if (g.autoPad.startsWith('SAME')) return multiply(d, g.strides[i]!);
    const extent = (g.kernel[i]! - 1) * g.dilations[i]! + 1;
    const grown = add(multiply(subtract(d, 1), g.strides[i]!), extent + g.outputPadding[i]!);
    return subtract(grown, g.pads![i]! + g.pads![n + i]!);
  });
  return [tensor(c.dtype(0), [shape[0]!, multiply(weight[1]!, g.group), ...spatial])];
};

const pool =
  (outputs: 1 | 2): ShapeRule =>
  (c) => {
    const shape = windowShape(c, convGeometry(c.node, { input: c.shape(0), weight: null }));
    return [tensor(c.dtype(0), shape), outputs === 2 ? tensor('int64', shape) : null];
  };

const globalPool: ShapeRule = (c) => {
  const shape = c.shape(0);
  return [tensor(c.dtype(0), shape && [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)])];
};

const maxUnpool: ShapeRule = (c) => {
  const shape = c.shape(0);
  const given = c.data(2)?.values;
  const g = convGeometry(c.node, { input: shape, weight: null });
  if (given) return [tensor(c.dtype(0), given)];
  if (!shape || !g || c.has(2)) return [tensor(c.dtype(0), shape && unknowns(shape.length))];
  const spatial = shape
    .slice(2)
    .map((d, i) =>
      subtract(
        add(multiply(subtract(d, 1), g.strides[i]!), g.kernel[i]!),
        g.pads![i]! + g.pads![g.kernel.length + i]!,
      ),
    );
  return [tensor(c.dtype(0), [...shape.slice(0, 2), ...spatial])];
};

/** [N, C·∏block, L] → [N, C, …image]. */
const col2Im: ShapeRule = (c) => {
  const shape = c.shape(0);
  const [image, block] = [c.data(1)?.values, c.data(2)?.values];
  if (!shape || !image) return [tensor(c.dtype(0), null)];
  const channels = block ? block.reduce((d, b) => divideFloor(d, b), shape[1]!) : null;
  return [tensor(c.dtype(0), [shape[0]!, channels, ...image])];
};

/** input [B, C, L], weight [C, 1, k] → output as input, state [B, C, k − 1]. */
const causalConv: ShapeRule = (c) => {
  const [x, w] = [c.shape(0), c.shape(1)];
  return [c.type(0), tensor(c.dtype(0), x && w && [x[0]!, x[1]!, subtract(w[2]!, 1)])];
};

const moved = (shape: Shape | null): Shape | null =>
  shape && shape.length > 1 ? [shape[0]!, shape.at(-1)!, ...shape.slice(1, -1)] : shape;

const movedBack = (shape: Shape | null): Shape | null =>
  shape && shape.length > 1 ? [shape[0]!, ...shape.slice(2), shape[1]!] : shape;

/** A rule for [N, C, …space], of a node whose activations are [N, …space, C]; so is the kernel of the inputs named. */
const channelsLast =
  (rule: ShapeRule, ...turned: readonly number[]): ShapeRule =>
  (c) =>
    rule({ ...c, shape: (i) => (i === 0 || turned.includes(i) ? moved(c.shape(i)) : c.shape(i)) }).map((t) =>
      t && 'shape' in t ? { ...t, shape: movedBack(t.shape) } : t,
    );

/** Attribute channels_last says how a quantised window's activations lie. Source: nhwc_schema_defs.cc. */
const eitherLayout =
  (rule: ShapeRule): ShapeRule =>
  (c) =>
    (intAttribute(c.node, 'channels_last', 0) !== 0 ? channelsLast(rule) : rule)(c);

const floatConv = conv((c) => c.dtype(0));

export const convolutionShapes: ShapeTable = {
  Conv: floatConv,
  ConvInteger: conv(() => 'int32'),
  QLinearConv: conv((c) => c.dtype(7)),
  'com.microsoft:QLinearConv': eitherLayout(conv((c) => c.dtype(7))),
  'com.ms.internal.nhwc:QLinearConv': channelsLast(conv((c) => c.dtype(7))),
  DeformConv: floatConv,
  ConvTranspose: convTranspose,
  'com.microsoft:FusedConv': floatConv,
  'com.microsoft:NhwcConv': channelsLast(floatConv, 1),
  'com.microsoft:NhwcFusedConv': channelsLast(floatConv),
  'com.ms.internal.nhwc:Conv': channelsLast(floatConv),
  'com.ms.internal.nhwc:ConvTranspose': channelsLast(convTranspose),
  AveragePool: pool(1),
  LpPool: pool(1),
  MaxPool: pool(2),
  'com.microsoft:QLinearAveragePool': eitherLayout(pool(1)),
  'com.microsoft:NhwcMaxPool': channelsLast(pool(1)),
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  'com.microsoft:QLinearGlobalAveragePool': eitherLayout(globalPool),
  MaxUnpool: maxUnpool,
  Col2Im: col2Im,
  CausalConvWithState: causalConv,
};
