/** Operators described whole: one row with all that is known of each. Every table of this folder starts from these rows,
 *  so a new operator is a row here and its test. Families that share rules stand in the tables by question instead
 *  (shapes/, weights/, channels/, cost.ts, quantization.ts, float16.ts). test/model/ops/tables.test.ts crosses them. */
import { shapeOf } from '../ir/model.ts';
import type { ChannelRule } from './channels/rule.ts';
import { tensor } from './shapes/common.ts';
import { matMulShape } from './shapes/matrix.ts';
import type { CostRule, Float16Kind, QuantizationTrait, ShapeRule } from './types.ts';
import { productWeight } from './weights/products.ts';
import { others, row, type WeightRow } from './weights/row.ts';

/** Why an operator has no rule in a table. */
interface Exempt {
  readonly exempt: string;
}

export interface OperatorRow {
  readonly shape: ShapeRule;
  /** Which inputs hold weights; { kind: 'no-weights' } where none does. */
  readonly weights: WeightRow;
  /** Multiply–accumulates. */
  readonly cost: CostRule | Exempt;
  /** How the channels of inputs and outputs hang together. */
  readonly channels: ChannelRule | Exempt;
  /** What Q/DQ around it does; products with an integer kernel say so in `weights`. */
  readonly quantization: QuantizationTrait | Exempt;
  readonly float16: Float16Kind | Exempt;
  /** Why no network is trained through it. Absent: src/compute/autodiff has a rule or a lowering, or it holds nothing that
   *  is trained. */
  readonly gradient?: Exempt;
}

/** By opKey. */
export const operators: Readonly<Record<string, OperatorRow>> = {
  /** FastGelu(X·W + bias), X [..., K], W [K, N]. Source: onnxruntime ContribOperators. */
  'com.microsoft:GemmFastGelu': {
    shape: (c) => [tensor(c.dtype(0), matMulShape(c.shape(0), c.shape(1)))],
    weights: row(productWeight(1, 0, 2), others('bias', 2)),
    cost: (node, size) => {
      const [x, w] = [shapeOf(node.inputs[0]), shapeOf(node.inputs[1])];
      return x && w && [...x, w.at(-1)].reduce<number>((n, d) => n * size(d), 1);
    },
    channels: { exempt: 'taken apart (decompose-fused) before weights are compressed' },
    quantization: { exempt: 'no integer kernel; taken apart first' },
    float16: { exempt: 'no CPU or WebGPU provider runs it; taken apart first' },
  },
};

/** The rules of one table from the rows above. */
export const rulesOf = <K extends keyof OperatorRow>(
  table: K,
): Readonly<Record<string, Exclude<OperatorRow[K], Exempt>>> =>
  Object.fromEntries(
    Object.entries(operators).flatMap(([key, operator]) => {
      const rule = operator[table];
      return typeof rule === 'object' && 'exempt' in rule
        ? []
        : [[key, rule as Exclude<OperatorRow[K], Exempt>]];
    }),
  );
