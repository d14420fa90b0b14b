/** LSTM, GRU and RNN: the products with the input are one for the whole sequence; the steps stand one after the other where
 *  they are few, and are a loop otherwise.
 *  Source: ONNX LSTM-22, GRU-22, RNN-22. */
import { intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import { isStatic, type Shape } from '../../../../ir/type.ts';
import { isUniform } from '../../../lowered/grid.ts';
import { type Direction, directionsOf, joinedBias } from '../../../lowered/recurrent.ts';
import { plainWeight } from '../../../lowered/weights.ts';
import { type Emitter, refuse, shapeAt, type TfOperator, type TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { repeat } from './loops.ts';
import { gru, type Kind, lstm, rnn, type Step, times, turnedMatrix } from './recurrent-cells.ts';
import { concat, fill, reshape, shapeTensor, sizeOf, sliceVector, transpose } from './shaping.ts';

/** Longer sequences are a loop: its JSON doesn't grow with them. */
const unrolled = 16;

function inputBias(e: Emitter, kind: Kind, d: Direction): Ref | null {
  const values = joinedBias(d, kind);
  return values && e.weight(plainWeight(tensorOf('float32', [values.length], values)));
}

const recurrentNetwork =
  (kind: Kind): TfOperator =>
  (node, e) => {
    const batchFirst = intAttribute(node, 'layout', 0) !== 0;
    const shape = shapeAt(node, 0);
    const given = e.input(node, 0);
    const x = batchFirst ? transpose(e, given, [1, 0, 2]) : given;
    const sizes: Shape = batchFirst ? [shape[1]!, shape[0]!, shape[2]!] : shape;
    if (sizes[0] === 0) return refuse(node, 'it makes nothing: its sequences have no step');
    const direction = textAttribute(node, 'direction', 'forward');
    const results = directionsOf(node, kind, e.weightOf).map((d, i) => {
      const reverse = direction === 'reverse' || i === 1;
      const start = Array.from({ length: kind.states }, (_, s) =>
        startState(node, e, x, { sizes, d, index: i, input: 5 + s, batchFirst }),
      );
      return runDirection(e, kind, d, { x, sizes, reverse, start });
    });
    return collect(node, e, results, batchFirst);
  };

interface Start {
  readonly sizes: Shape;
  readonly d: Direction;
  readonly index: number;
  readonly input: number;
  readonly batchFirst: boolean;
}

/** The state before the first step, [batch, hidden]: given for all directions, or zeros. */
function startState(node: Node, e: Emitter, x: Ref, { sizes, d, index, input, batchFirst }: Start): Ref {
  const value = node.inputs[input];
  if (value)
    return e.op('GatherV2', [e.ref(value), e.int(index), e.int(batchFirst ? 1 : 0)], {
      batch_dims: { int: 0 },
    });
  const batch = typeof sizes[1] === 'number' ? e.int([sizes[1]]) : sizeOf(e, x, 1);
  return fill(e, concat(e, [batch, e.int([d.hidden])]), e.float(0));
}

interface Run {
  readonly x: Ref;
  readonly sizes: Shape;
  readonly reverse: boolean;
  readonly start: readonly Ref[];
}

interface Result {
  /** [steps, batch, hidden] */
  readonly sequence: Ref;
  readonly states: readonly Ref[];
}

function runDirection(e: Emitter, kind: Kind, d: Direction, { x, sizes, reverse, start }: Run): Result {
  const turned = reverse ? e.op('ReverseV2', [x, e.int([0])]) : x;
  const flat = reshape(e, turned, [-1, d.input.tensor.dims[1]!]);
  const bias = inputBias(e, kind, d);
  const product = times(e, flat, e.weight(turnedMatrix(d.input)));
  const biased = bias ? e.op('BiasAdd', [product, bias], { data_format: { text: 'NHWC' } }) : product;
  const width = kind.gates * d.hidden;
  const rows = isStatic(sizes.slice(0, 2))
    ? e.int([sizes[0] as number, sizes[1] as number, width])
    : concat(e, [sliceVector(e, shapeTensor(e, turned), 0, 2), e.int([width])]);
  const gates = e.op('Reshape', [biased, rows]);
  const step = kind.step(d);
  const steps = sizes[0];
  const made =
    typeof steps === 'number' && steps <= unrolled
      ? unroll(e, gates, steps, step, start)
      : loop(e, gates, step, { start, hidden: d.hidden });
  return { ...made, sequence: reverse ? e.op('ReverseV2', [made.sequence, e.int([0])]) : made.sequence };
}

function unroll(e: Emitter, gates: Ref, steps: number, step: Step, start: readonly Ref[]): Result {
  const parts = e.ops('Unpack', [gates], Array(steps).fill('float32'), {
    num: { int: steps },
    axis: { int: 0 },
  });
  const matrices = step.matrices.map(e.weight);
  let states = start;
  const outputs = parts.map((part) => {
    states = step.advance(e, part, states, matrices);
    return states[0]!;
  });
  return { sequence: e.op('Pack', outputs, { N: { int: steps }, axis: { int: 0 } }), states };
}

function loop(
  e: Emitter,
  gates: Ref,
  step: Step,
  { start, hidden }: { start: readonly Ref[]; hidden: number },
): Result {
  const steps = reshape(e, sizeOf(e, gates, 0), []);
  // What is computed of integers and scales is computed once, before the loop.
  const before = step.matrices.map((m) => (m.grid && !isUniform(m.grid) ? e.weight(m) : null));
  const expanded = before.filter((ref) => ref !== null);
  const { carried, stacked } = repeat(e, {
    ...{ steps, going: null, carried: start, constant: [gates, ...expanded], hint: 'recurrence' },
    stacks: [{ dtype: 'float32', shape: [null, hidden] }],
    body(inner, { index, carried, constant }) {
      const part = inner.op('GatherV2', [constant[0]!, index, inner.int(0)], { batch_dims: { int: 0 } });
      const given = constant.slice(1);
      const matrices = step.matrices.map((m, i) => (before[i] ? given.shift()! : inner.weight(m)));
      const states = step.advance(inner, part, carried, matrices);
      return { carried: states, stacked: [states[0]!], going: null };
    },
  });
  return { sequence: stacked[0]!, states: carried };
}

/** Y [steps, directions, batch, hidden], then the last states [directions, batch, hidden]; batch first where asked. */
function collect(node: Node, e: Emitter, results: readonly Result[], batchFirst: boolean): (Ref | null)[] {
  const pack = (parts: readonly Ref[], axis: number) =>
    e.op('Pack', parts, { N: { int: parts.length }, axis: { int: axis } });
  const sequence = pack(
    results.map((r) => r.sequence),
    1,
  );
  const states = results[0]!.states.map((_, s) =>
    pack(
      results.map((r) => r.states[s]!),
      batchFirst ? 1 : 0,
    ),
  );
  return [batchFirst ? transpose(e, sequence, [2, 0, 1, 3]) : sequence, ...states].slice(
    0,
    node.outputs.length,
  );
}

export const recurrent: TfOperators = {
  LSTM: recurrentNetwork(lstm),
  GRU: recurrentNetwork(gru),
  RNN: recurrentNetwork(rnn),
};
