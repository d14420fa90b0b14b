/** The order of axes that callers of a model meet: [N, C, …space] or [N, …space, C]. */
import { layoutFixed, layoutUnknownPort } from '../../support/diagnostics/layout.ts';
import { setInput, setOutput } from '../ir/edit.ts';
import { type Model, shapeOf, type Value } from '../ir/model.ts';
import { freshName } from '../ir/names.ts';
import { inverse, type Permutation, permutedType } from './permutation.ts';
import { type LeftTranspose, leftTransposes, moveTransposes } from './propagate.ts';
import { type LayoutSession, openSession } from './session.ts';
import { toChannelsFirst, toChannelsLast } from './spatial.ts';

export interface BoundaryChange {
  /** The order that the inputs and outputs named get; they are in the other one now. */
  readonly to: 'nchw' | 'nhwc';
  /** Names of inputs. */
  readonly inputs?: readonly string[];
  /** Names of outputs. */
  readonly outputs?: readonly string[];
}

/** Changes the declared shapes and puts Transposes behind them, which are moved and cancelled. Names stay. Types must have been
 *  inferred. @returns the Transposes that are left in the model
 *  @throws LAYOUT_UNKNOWN_PORT, LAYOUT_FIXED for fewer than three axes and for what is input and output at once */
export function changeBoundary(
  model: Model,
  { to, inputs = [], outputs = [] }: BoundaryChange,
): readonly LeftTranspose[] {
  const turn = to === 'nhwc' ? toChannelsLast : toChannelsFirst;
  const session = openSession(model, model.graph);
  const asked = (names: readonly string[], among: readonly Value[], kind: string) =>
    names.map((name) => {
      const value = among.find((v) => v.name === name);
      if (!value)
        throw layoutUnknownPort(
          kind,
          name,
          among.map((v) => v.name),
        );
      return { value, perm: turn(turnableRank(value)) };
    });
  const [ins, outs] = [
    asked(inputs, model.graph.inputs, 'input'),
    asked(outputs, model.graph.outputs, 'output'),
  ];
  for (const { value, perm } of ins) turnInput(session, value, perm);
  for (const { value, perm } of outs) turnOutput(session, value, perm);
  moveTransposes(session);
  return leftTransposes(model);
}

/** @throws LAYOUT_FIXED */
function turnableRank(value: Value): number {
  const rank = shapeOf(value)?.length;
  if (rank === undefined || rank < 3)
    throw layoutFixed(value.name, `has ${rank ?? 'an unknown number of'} axes`);
  if (!value.producer && value.uses.some((u) => u.graph))
    throw layoutFixed(value.name, 'is an input and an output');
  if (value.constant) throw layoutFixed(value.name, 'has a default value');
  return rank;
}

function turnInput(session: LayoutSession, value: Value, perm: Permutation): void {
  const old = value.type;
  const uses = [...value.uses];
  value.type = permutedType(old, perm);
  const [turned] = session.add({
    opType: 'Transpose',
    inputs: [value],
    attributes: { perm: inverse(perm) },
  }).outputs;
  turned!.type = old;
  for (const { node, index } of uses) if (node) setInput(node, index, turned!);
}

function turnOutput(session: LayoutSession, value: Value, perm: Permutation): void {
  const { graph, model } = session;
  const [turned] = session.add({
    opType: 'Transpose',
    inputs: [value],
    attributes: { perm: [...perm] },
  }).outputs;
  turned!.type = permutedType(value.type, perm);
  const { name } = value;
  value.name = freshName(model.names, name);
  setOutput(graph, graph.outputs.indexOf(value), turned!);
  turned!.name = name;
}
