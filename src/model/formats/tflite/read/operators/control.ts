/** Branches, loops and composites, whose bodies are other graphs of the file. */
import type { Value } from '../../../../ir/model.ts';
import { cast, emitLoop, toScalar } from '../../../emit/index.ts';
import { int, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

const storedInputs = (call: OperatorCall, from: number): Value[] =>
  Array.from(
    { length: Math.max(0, call.inputCount - from) },
    (_, i) => call.stored(from + i) ?? call.e.refuse('an input that is left out'),
  );

const choice: Operator = (call) => {
  const { e } = call;
  const condition = cast(e, toScalar(e, call.stored(0) ?? e.refuse('no condition')), 'bool');
  const given = storedInputs(call, 1);
  const branch = (name: string, setting: string) =>
    e.body(name, [], (inner) => call.call(int(call, setting), inner, given));
  const [taken, other] = [branch('then', 'thenSubgraphIndex'), branch('else', 'elseSubgraphIndex')];
  if (taken.outputs.length !== other.outputs.length) e.refuse('branches with different outputs');
  return e.emitAll('If', [condition], taken.outputs.length, {
    then_branch: { type: 'graph', value: taken },
    else_branch: { type: 'graph', value: other },
  });
};

const loop: Operator = (call) =>
  emitLoop(call.e, {
    start: storedInputs(call, 0),
    condition: (inner, values) =>
      call.call(int(call, 'condSubgraphIndex'), inner, values)[0] ??
      inner.refuse('its condition has no output'),
    body: (inner, values) => call.call(int(call, 'bodySubgraphIndex'), inner, values),
  });

/** An operator of a framework by its name ("odml.rms_norm"), with a graph that computes the same, as runtimes that don't know
 *  the name run it. */
const composite: Operator = (call) =>
  call.call(int(call, 'decompositionSubgraphIndex'), call.e, storedInputs(call, 0));

export const controlOperators: OperatorTable = { IF: choice, WHILE: loop, STABLEHLO_COMPOSITE: composite };
