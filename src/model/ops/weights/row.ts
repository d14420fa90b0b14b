/** What a row of the weights table says of an operator. */
import type { Node } from '../../ir/model.ts';

/** What an input is to its operator when it holds a constant.
 *    product     matrix or kernel that an activation is multiplied with
 *    table       rows that indices pick from (embeddings)
 *    recurrent   stacked gates of LSTM, GRU, RNN
 *    bias        added to each output channel
 *    parameter   trained numbers of another kind: normalisation scale and shift, PRelu slopes, peepholes
 *    statistic   running mean and variance
 *    packed      a weight that is stored in integers already
 *    quantizer   scale or zero point of such a weight */
export type WeightRole =
  | 'product'
  | 'table'
  | 'recurrent'
  | 'bias'
  | 'parameter'
  | 'statistic'
  | 'packed'
  | 'quantizer';

/** What a weight can become, in terms of what is done to it:
 *    int8-static    the operator computes in int8 with ranges known beforehand (Q/DQ)
 *    int8-dynamic   the same with ranges found while running
 *    int8-stored    stored in int8, expanded to float before it is used
 *    blockwise      4 or 8 bits with a scale a block (MatMulNBits, GatherBlockQuantized)
 *    sparse         single zeros
 *    low-rank       two thin factors
 *    palette        a few shared values */
export type WeightForm =
  | 'int8-static'
  | 'int8-dynamic'
  | 'int8-stored'
  | 'blockwise'
  | 'sparse'
  | 'low-rank'
  | 'palette';

/** Meaning of a weight's axes. Axes in neither list run over independent matrices (batches, directions, experts). */
export interface WeightLayout {
  /** Axis along which each slice gets a scale of its own: the output channel of a product (the last axis where several
   *  make it up), the row of a table, the gate row of a recurrent weight. null: the weight has no such axis. */
  readonly channel: number | null;
  /** Axes of the output. */
  readonly outputs: readonly number[];
  /** Axes that are summed over. */
  readonly reduced: readonly number[];
  /** Groups of a convolution, 1 elsewhere. They divide axis 0: the outputs of a Conv, the inputs of a ConvTranspose. */
  readonly groups: number;
  /** Where the channels of input and answer lie, for the kernel of a convolution; null: a matrix, channels last. */
  readonly kernel: 'channels-first' | 'channels-last' | null;
}

export interface WeightInput {
  readonly index: number;
  readonly role: WeightRole;
  /** Input that is multiplied with the weight (that holds the indices, for a table); null where there is no single one. */
  readonly activation: number | null;
  /** Input that is added to the result, null where the operator has none. */
  readonly bias: number | null;
  /** null: the axes of this node's weight have no meaning that is known (its rank doesn't fit, or isn't known). */
  layout(node: Node, rank: number): WeightLayout | null;
  readonly forms: ReadonlySet<WeightForm>;
}

export type WeightRow =
  | {
      readonly kind: 'weights';
      readonly inputs: (node: Node) => readonly WeightInput[];
      /** What one of them at least can become. */
      readonly forms: ReadonlySet<WeightForm>;
    }
  /** Operands that are added, multiplied or joined: a constant is a bias, a scale, an embedding, or just a number. */
  | { readonly kind: 'operands' }
  /** Hands the values of its first input on: a constant there is what it is to the reader. */
  | { readonly kind: 'moves' }
  /** Reads no weights: constants among its inputs are settings (axes, shapes, limits). */
  | { readonly kind: 'no-weights' };

export type WeightTable = Readonly<Record<string, WeightRow>>;

export const noLayout = () => null;
export const noForms: ReadonlySet<WeightForm> = new Set();

const plain = { activation: null, bias: null, layout: noLayout, forms: noForms } as const;

/** Inputs of a role that says all: biases, parameters, scales. */
export const others = (role: WeightRole, ...indices: readonly number[]): WeightInput[] =>
  indices.map((index) => ({ ...plain, index, role }));

/** A row whose inputs are the same for every node. */
export const row = (...inputs: readonly (WeightInput | readonly WeightInput[])[]): WeightRow => {
  const all = inputs.flat();
  return { kind: 'weights', inputs: () => all, forms: new Set(all.flatMap((input) => [...input.forms])) };
};

/** Rows of one kind, from a list of operators. */
export const rowsOf = (kind: 'operands' | 'moves' | 'no-weights', operators: string): WeightTable =>
  Object.fromEntries(
    operators
      .trim()
      .split(/\s+/)
      .map((op) => [op, { kind }]),
  );
