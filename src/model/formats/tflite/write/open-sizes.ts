/** Sizes that stay open in the file. LiteRT finds all sizes again when a caller resizes an input, from those of the inputs and the
 *  constants of the operators: the graph is built for two batches, and where both are one but for sizes, these are open.
 *  A RESHAPE has one of them computed (−1). Anything else that holds the batch as a number keeps it closed. */
import { Diagnostic } from '../../../../support/diagnostics.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import type { LiteGraph, LiteOperator, LiteOptions, LiteTensor } from './graph.ts';

/** @param graph  for one batch; its tensors are told their open sizes
 *  @param build  the same model's for another one
 *  @returns the graph with its open sizes, or why the batch can't be open */
export function withOpenSizes(graph: LiteGraph, build: () => LiteGraph): LiteGraph | string {
  const other = builtOr(build);
  if (!other) return 'the model takes no other one';
  if (graph.operators.length !== other.operators.length) return 'other operators compute a larger one';
  const operators: LiteOperator[] = [];
  for (const [i, operator] of graph.operators.entries()) {
    const found = openOperator(operator, other.operators[i]!);
    if (typeof found === 'string') return found;
    operators.push(found);
  }
  operators.forEach(({ outputs }, i) => void openAll(outputs, other.operators[i]!.outputs));
  for (const side of ['inputs', 'outputs'] as const)
    openAll(
      graph[side].map(({ tensor }) => tensor),
      other[side].map(({ tensor }) => tensor),
    );
  return { ...graph, operators };
}

/** null where the model's sizes fit one batch alone. */
function builtOr(build: () => LiteGraph): LiteGraph | null {
  try {
    return build();
  } catch (error) {
    if (error instanceof Diagnostic) return null;
    throw error;
  }
}

/** Sizes that differ are open. */
function openAll(list: readonly LiteTensor[], twins: readonly LiteTensor[]): void {
  list.forEach((tensor, i) => {
    const { shape } = twins[i]!;
    if (tensor.shape.some((d, axis) => d !== shape[axis]))
      tensor.signature = tensor.shape.map((d, axis) => (d === shape[axis] ? d : -1));
  });
}

function openOperator(a: LiteOperator, b: LiteOperator): LiteOperator | string {
  const label = `${a.op} "${a.outputs[0]?.name}"`;
  if (a.op !== b.op || a.inputs.length !== b.inputs.length || !sameOptions(a, b))
    return `${label} is another operator for a larger one`;
  if (a.options?.[2]) return `${label} holds graphs of its own`;
  const inputs = [...a.inputs];
  let { options } = a;
  for (const [i, tensor] of a.inputs.entries()) {
    const twin = b.inputs[i] ?? null;
    if (tensor === twin || (tensor && twin && sameContent(tensor, twin))) continue;
    const found = tensor && twin && openConstant({ a, b, index: i, tensor, twin });
    if (!found) return `${label} has it among its numbers`;
    inputs[i] = found.tensor;
    options = found.options ?? options;
  }
  return { ...a, inputs, options };
}

const sameOptions = (a: LiteOperator, b: LiteOperator) =>
  JSON.stringify(a.options?.slice(0, 2)) === JSON.stringify(b.options?.slice(0, 2));

/** Whether an operator reads the same: what is computed, or constants of the same content. */
function sameContent(a: LiteTensor, b: LiteTensor): boolean {
  if (!a.data || !b.data) return a.data === b.data;
  if (a.shape.join() !== b.shape.join()) return false;
  return equalBytes(a.data(), b.data());
}

/** Weights have millions: eight at a time. */
function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const whole = a.length - (a.length % 8);
  const words = (bytes: Uint8Array) =>
    bytes.byteOffset % 8 === 0
      ? new BigInt64Array(bytes.buffer, bytes.byteOffset, whole / 8)
      : new BigInt64Array(bytes.slice(0, whole).buffer);
  const [x, y] = [words(a), words(b)];
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  for (let i = whole; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

interface Differing {
  readonly a: LiteOperator;
  readonly b: LiteOperator;
  readonly index: number;
  readonly tensor: LiteTensor;
  readonly twin: LiteTensor;
}

interface Opened {
  readonly tensor: LiteTensor;
  /** Where they change too. */
  readonly options?: LiteOptions;
}

/** Numbers that follow from the batch, in the words that operators have for them. @returns null where there are none */
function openConstant({ a, b, index, tensor, twin }: Differing): Opened | null {
  if (!tensor.data || !twin.data || tensor.type !== 'int32') return null;
  const [numbers, others] = [int32s(tensor.data()), int32s(twin.data())];
  if (numbers.length !== others.length) return null;
  const axes = numbers.flatMap((n, axis) => (n === others[axis] ? [] : [axis]));
  const toTheEnd = axes.every(
    (axis) => numbers[axis] === a.inputs[0]!.shape[axis] && others[axis] === b.inputs[0]!.shape[axis],
  );
  const found = { ...tensor, data: () => bytesOf(numbers.map((n, i) => (axes.includes(i) ? -1 : n))) };
  if (a.op === 'RESHAPE' && index === 1 && axes.length === 1) return { tensor: found };
  if (a.op === 'SLICE' && index === 2 && toTheEnd) return { tensor: found };
  if (a.op !== 'STRIDED_SLICE' || index !== 2 || !toTheEnd) return null;
  const [table, values] = a.options!;
  return { tensor, options: [table, withEnds(values, axes)] };
}

/** Up to the end of these axes, whatever number stands there. */
const withEnds = (options: FlatTable, axes: readonly number[]): FlatTable => ({
  ...options,
  endMask: axes.reduce((mask, axis) => mask | (1 << axis), Number(options['endMask'] ?? 0)),
});

const bytesOf = (values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer);

const int32s = (bytes: Uint8Array): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true));
};
