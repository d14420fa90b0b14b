/** Recurrent networks that take one step a run. They only make sense with their past, which LiteRT keeps in variable tensors: it is
 *  an input and an output of the model.
 *  Source: tflite/kernels/lstm_eval.cc, basic_rnn.cc, internal/reference/svdf.h. */
import type { Value } from '../../../../ir/model.ts';
import { activation, concat, reshape, slice, transpose, unsqueeze } from '../../../emit/index.ts';
import { numberField } from '../../../flatbuffers/fields.ts';
import { activated, inputOf, int, type Operator, type OperatorTable } from './operator.ts';
import { activationOf, biasOf, gridOf, lstmOf, lstmStep, rounded, sizeOf } from './recurrent.ts';

/** One step of an LSTM whose states are kept from one run to the next. */
const keptLstm: Operator = (call) => {
  const { e } = call;
  const lstm = lstmOf(call, 1, 18, call.inputCount > 20 ? 20 : null);
  const x = inputOf(call, 0);
  const [batch = null] = e.sizes(x);
  const [before, cell] = [call.state(18, [batch, lstm.outputs]), call.state(19, [batch, lstm.units])];
  const next = lstmStep(e, lstm, x, before, cell);
  call.keep(18, next.output);
  call.keep(19, next.cell);
  return next.output;
};

/** One step of an LSTM. Of kernel 1 its states are inputs: x, output before, weights [4 · units, inputs + units], bias, cell
 *  before. Outputs: output, cell, and what it computes between. */
const lstmStepOperator: Operator = (call) => {
  const { e, options } = call;
  if (int(call, 'kernelType') === 0) return keptLstm(call);
  if (numberField(options, 'cellClip') !== 0 || numberField(options, 'projClip') !== 0)
    e.refuse('clipped states');
  const both = concat(e, [inputOf(call, 0), inputOf(call, 1)], 1);
  const bias = biasOf(call, 3) ?? e.refuse('no bias');
  const gates = e.emit('Gemm', [both, inputOf(call, 2), bias], { transB: 1 });
  const [enter, candidate, forget, output] = e.emitAll('Split', [gates], 4, { axis: 1 }) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const sigmoid = (v: Value) => e.emit('Sigmoid', [v]);
  const kept = e.emit('Mul', [sigmoid(forget), inputOf(call, 4)]);
  const next = e.emit('Add', [kept, e.emit('Mul', [sigmoid(enter), e.emit('Tanh', [candidate])])]);
  return [e.emit('Mul', [sigmoid(output), e.emit('Tanh', [next])]), next, both, gates];
};

/** One step of an RNN whose state is kept. */
const keptRnn: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const [weight, recurrent] = [inputOf(call, 1), inputOf(call, 2)];
  const [batch = null] = e.sizes(x);
  const before = call.state(4, [batch, sizeOf(e, recurrent, 0)]);
  const bias = biasOf(call, 3) ?? e.refuse('no bias');
  const product = (v: Value, w: Value) => e.emit('MatMul', [v, transpose(e, w, [1, 0])]);
  const sum = e.emit('Add', [e.emit('Add', [product(x, weight), product(before, recurrent)]), bias]);
  const next = activation(e, activationOf(call), sum);
  call.keep(4, next);
  return next;
};

/** Products with features, of which as many as it has weights over time are remembered, [batch, filters · memory]; filters stand
 *  beside one another `rank` a unit. */
const svdf: Operator = (call) => {
  const { e } = call;
  const [x, features, time] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
  const [filters, memory] = [sizeOf(e, time, 0), sizeOf(e, time, 1)];
  const rank = int(call, 'rank');
  if (!(rank > 0) || filters % rank !== 0) e.refuse(`${filters} filters of rank ${rank}`);
  const newest = e.emit('MatMul', [x, transpose(e, features, [1, 0])]);
  const column = unsqueeze(e, rounded(e, gridOf(call, 4), newest), 2);
  const [batch = null] = e.sizes(x);
  const before = reshape(e, call.state(4, [batch, filters * memory]), [-1, filters, memory]);
  const after = memory === 1 ? column : concat(e, [slice(e, before, 2, 1, memory), column], 2);
  call.keep(4, reshape(e, after, [-1, filters * memory]));
  const sum = (v: Value) => e.emit('ReduceSum', [v, e.integers(2)], { keepdims: 0 });
  const seen = sum(reshape(e, sum(e.emit('Mul', [after, time])), [-1, filters / rank, rank]));
  const bias = biasOf(call, 3);
  return activated(call, bias ? e.emit('Add', [seen, bias]) : seen);
};

export const recurrentSteps: OperatorTable = { LSTM: lstmStepOperator, RNN: keptRnn, SVDF: svdf };
