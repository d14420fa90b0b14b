/** Where an operator keeps its weights: one row an operator (weights/*.ts). For every input that may hold one: what it is,
 *  what its axes mean, what is multiplied with it and added to it, and what it can become.
 *
 *    const found = weightsOf(node);
 *    if (found.kind === 'unknown-operator') …      // say so: it may hold weights that nobody knows how to read
 *    else for (const weight of found.weights) …    // none: there is nothing to do
 *
 *  The table says where a weight would be. Whether a constant is there, bare or behind a Cast, a Transpose or the nodes
 *  that expand it from integers, is what `constantBehind` answers. */
import { type Node, opKey, shapeOf } from '../ir/model.ts';
import { rulesOf } from './operators.ts';
import { otherWeights, packedWeights, parameterWeights } from './weights/others.ts';
import { productWeights } from './weights/products.ts';
import type {
  WeightForm,
  WeightInput,
  WeightLayout,
  WeightRole,
  WeightRow,
  WeightTable,
} from './weights/row.ts';

export type { WeightForm, WeightInput, WeightLayout, WeightRole, WeightRow } from './weights/row.ts';

export const weightRows: WeightTable = {
  ...rulesOf('weights'),
  ...productWeights,
  ...parameterWeights,
  ...packedWeights,
  ...otherWeights,
};

/** An input that a node has and that may hold a weight. */
export interface NodeWeight extends Omit<WeightInput, 'layout'> {
  readonly node: Node;
  /** null for what has no channels (biases, parameters), and where rank or layout isn't known. */
  readonly layout: WeightLayout | null;
}

/** 'unknown-operator' is not the same as no weights: nothing is known of what the node reads. */
type NodeWeights =
  | { readonly kind: 'known'; readonly weights: readonly NodeWeight[] }
  | { readonly kind: 'unknown-operator'; readonly operator: string };

/** The row of the node's operator; null when it has none. */
export const weightRow = (node: Node): WeightRow | null =>
  Object.hasOwn(weightRows, opKey(node)) ? (weightRows[opKey(node)] ?? null) : null;

/** The inputs of a node that may hold weights, in the order of the table.
 *  @param form  only those that can take it */
export function weightsOf(node: Node, form?: WeightForm): NodeWeights {
  const row = weightRow(node);
  if (!row) return { kind: 'unknown-operator', operator: opKey(node) };
  if (row.kind !== 'weights') return { kind: 'known', weights: [] };
  const inputs = row
    .inputs(node)
    .filter(({ index, forms }) => node.inputs[index] && (form === undefined || forms.has(form)));
  return { kind: 'known', weights: inputs.map((input) => resolved(node, input)) };
}

function resolved(node: Node, input: WeightInput): NodeWeight {
  const rank = shapeOf(node.inputs[input.index])?.length;
  return { ...input, node, layout: rank === undefined ? null : input.layout(node, rank) };
}

/** What a node's input is to it; null: no weight (a setting, an activation's place), 'unknown-operator' where nobody can say. */
export function weightAt(node: Node, index: number): NodeWeight | 'unknown-operator' | null {
  const found = weightsOf(node);
  if (found.kind === 'unknown-operator') return found.kind;
  return found.weights.find((w) => w.index === index) ?? null;
}

/** Keys of the operators that have a weight which can take the form. */
export const operatorsWith = (form: WeightForm): string[] =>
  Object.entries(weightRows).flatMap(([key, row]) =>
    row.kind === 'weights' && row.forms.has(form) ? [key] : [],
  );

/** Matrices, kernels and tables, as opposed to what is added to or multiplied with channels. */
export const isMatrixRole = (role: WeightRole): boolean =>
  role === 'product' || role === 'table' || role === 'recurrent';

/** The first input that is multiplied with the rest, be it float or stored in integers; null where there is none. For those
 *  who know the operator (shapes, cost); whoever asks of any operator asks `weightsOf`. */
export function matrixOf(node: Node): NodeWeight | null {
  const found = weightsOf(node);
  if (found.kind === 'unknown-operator') return null;
  return found.weights.find(({ role }) => role === 'product' || role === 'packed') ?? null;
}
