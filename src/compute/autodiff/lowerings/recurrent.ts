/** LSTM, GRU and RNN as one product over all steps for the input's part, x·Wᵀ + b, and a Scan over time for the rest,
 *  which its gradient rule knows again. X [T, B, I], W [D, k·H, I], R [D, k·H, H], B [D, 2·k·H], Y [T, D, B, H].
 *  Sources: ONNX LSTM-14, GRU-14, RNN-14. */
import { floatAttribute, intAttribute, textAttribute } from '../../../model/ir/attribute.ts';
import { constantOf, type Value } from '../../../model/ir/model.ts';
import { numbers } from '../../../model/ir/tensor.ts';
import { recurrentUnsupported } from '../../../support/diagnostics/recurrent.ts';
import { type Cell, emitCell } from '../recurrent/cell.ts';
import { gruAfter, gruBefore } from '../recurrent/gru.ts';
import { lstm } from '../recurrent/lstm.ts';
import { rnn } from '../recurrent/rnn.ts';
import type { Lowering, LoweringContext, LoweringTable } from '../rule.ts';

const standardActivations: Readonly<Record<string, readonly string[]>> = {
  LSTM: ['Sigmoid', 'Tanh', 'Tanh'],
  GRU: ['Sigmoid', 'Tanh'],
  RNN: ['Tanh'],
};

const recurrent: Lowering = (c) => {
  const { node } = c;
  const activations = activationsOf(c);
  refuse(c, activations);
  const cells: readonly Cell[] = activations.map((names) =>
    node.opType === 'LSTM'
      ? lstm
      : node.opType === 'RNN'
        ? rnn(names[0]?.toLowerCase() === 'relu' ? 'Relu' : 'Tanh')
        : intAttribute(node, 'linear_before_reset', 0) === 0
          ? gruBefore
          : gruAfter,
  );
  const batchFirst = intAttribute(node, 'layout', 0) === 1;
  const x = batchFirst ? c.transpose(c.input(0), [1, 0, 2]) : c.input(0);
  const backwards = textAttribute(node, 'direction', 'forward') === 'reverse';
  const runs = cells.map((cell, d) => runDirection(c, cell, x, d, batchFirst, backwards || d === 1));

  const directions = batchFirst ? 2 : 1;
  const [steps = 1, batch = 1] = c.dims(x);
  const hidden = c.dims(c.input(2))[2] as number;
  const joined = (parts: readonly Value[], dims: readonly number[], axis: number) => {
    const apart = parts.map((v) => c.reshape(v, dims));
    return apart.length === 1 ? (apart[0] as Value) : c.op('Concat', apart, { axis });
  };
  const y = () =>
    joined(
      runs.map((r) => (batchFirst ? c.transpose(r.hidden, [1, 0, 2]) : r.hidden)),
      batchFirst ? [batch, steps, 1, hidden] : [steps, 1, batch, hidden],
      directions,
    );
  const last = (i: number) =>
    joined(
      runs.map((r) => r.last[i] as Value),
      batchFirst ? [batch, 1, hidden] : [1, batch, hidden],
      directions - 1,
    );
  return node.outputs.map((v, i) => (!v || v.uses.length === 0 ? null : i === 0 ? y() : last(i - 1)));
};

export const recurrentLowerings: LoweringTable = { LSTM: recurrent, GRU: recurrent, RNN: recurrent };

/** One direction over all of X [T, B, I]. */
function runDirection(
  c: LoweringContext,
  cell: Cell,
  x: Value,
  direction: number,
  batchFirst: boolean,
  reverse: boolean,
) {
  const [steps = 1, batch = 1, size = 1] = c.dims(x);
  const [, gates = 1, hidden = 1] = c.dims(c.input(2));
  /** This direction's part of an input, without the axis of directions. */
  const part = (index: number, axis = 0) => {
    const v = c.input(index);
    const dims = c.dims(v);
    const own =
      dims[axis] === 1 ? v : c.op('Slice', [v, c.ints([direction]), c.ints([direction + 1]), c.ints([axis])]);
    return c.reshape(
      own,
      dims.filter((_, i) => i !== axis),
    );
  };
  const states = Array.from({ length: cell.states }, (_, i) =>
    c.has(5 + i) ? part(5 + i, batchFirst ? 1 : 0) : c.full([batch, hidden], 0),
  );
  const projected = c.op('MatMul', [c.reshape(x, [steps * batch, size]), c.transpose(part(1), [1, 0])]);
  const [outer, inner] = c.has(3) ? biases(c, part(3), gates, cell.innerBias) : [null, null];
  const whole = outer ? c.op('Add', [projected, outer]) : projected;
  return emitCell(
    c,
    cell,
    states,
    c.reshape(whole, [steps, batch, gates]),
    { recurrent: c.transpose(part(2), [1, 0]), bias: inner },
    reverse,
  );
}

/** [2·k·H] as what is added to all projected inputs at once and what is added in every step, [k·H] each. */
function biases(c: LoweringContext, both: Value, gates: number, inner: boolean): [Value, Value | null] {
  const [input, recurrence] = c.ops('Split', [both, c.ints([gates, gates])], 2, { axis: 0 }) as [
    Value,
    Value,
  ];
  return inner ? [input, recurrence] : [c.op('Add', [input, recurrence]), null];
}

/** Names of the activation functions, a list for each direction. */
function activationsOf(c: LoweringContext): readonly (readonly string[])[] {
  const standard = standardActivations[c.node.opType] as readonly string[];
  const count = c.dims(c.input(1))[0] as number;
  const given = c.node.attributes.get('activations');
  const names =
    given?.type === 'strings' && given.value.length > 0
      ? given.value.map((bytes) => new TextDecoder().decode(bytes))
      : Array.from({ length: count }, () => standard).flat();
  return Array.from({ length: count }, (_, d) => names.slice(d * standard.length, (d + 1) * standard.length));
}

function refuse(c: LoweringContext, activations: readonly (readonly string[])[]): void {
  const { node } = c;
  const standard = (standardActivations[node.opType] as readonly string[]).join().toLowerCase();
  const plain = activations.every((names) => {
    const all = names.join().toLowerCase();
    return all === standard || (node.opType === 'RNN' && all === 'relu');
  });
  const what = !plain
    ? `activations ${activations.flat().join(', ')}`
    : floatAttribute(node, 'clip', 0) !== 0
      ? 'a clip value'
      : intAttribute(node, 'input_forget', 0) !== 0
        ? 'coupled input and forget gates (input_forget)'
        : c.has(7)
          ? 'peephole weights'
          : hasLengths(c)
            ? 'sequence lengths (input sequence_lens)'
            : null;
  if (what)
    throw recurrentUnsupported(node.opType, node.name || (node.outputs.find((v) => v)?.name ?? ''), what);
}

/** Whether sequences may end before the last step. */
function hasLengths(c: LoweringContext): boolean {
  if (!c.has(4)) return false;
  const lengths = constantOf(c.input(4));
  const steps = c.dims(c.input(0))[intAttribute(c.node, 'layout', 0) === 1 ? 1 : 0];
  return !lengths || numbers(lengths).some((n) => n !== steps);
}
