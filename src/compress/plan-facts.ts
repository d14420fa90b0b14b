/** What a plan depends on of the model that it is for. Read once, when the model is opened; whoever plans sees this and not the
 *  model. Where a file doesn't say enough, a fact says what may be: only what is certain refuses anything. */
import type { WrittenFormatId } from '../model/formats/format.ts';
import { isFloat } from '../model/ir/dtype.ts';
import { dtypeOf, type Model, type Node, shapeOf, type Value } from '../model/ir/model.ts';
import { constantsOf, nodesOf } from '../model/ir/walk.ts';
import { namesScores } from '../model/ops/class-scores.ts';

export interface PlanFacts {
  /** As files and messages call it: "mobilenetv2.onnx". */
  readonly name: string;
  /** Whether it holds numbers that training could change: constants of a float type. */
  readonly isTrainable: boolean;
  /** Whether an output may score classes; false where each is a single number a row, or no float. */
  readonly mayScore: boolean;
  /** What the result is written as where nothing that was asked for says it. Absent: ONNX. */
  readonly format?: WrittenFormatId | undefined;
}

/** @param name  as the model is to be called in files and messages */
export const planFacts = (model: Model, name: string): PlanFacts => ({
  name,
  isTrainable:
    constantsOf(model).some(({ tensor }) => isFloat(tensor.dtype)) || [...nodesOf(model)].some(holdsFloats),
  mayScore: model.graph.outputs.some(mayScore),
});

/** A Constant with its numbers as an attribute, not as a tensor. */
const holdsFloats = ({ opType, attributes }: Node) =>
  opType === 'Constant' && (attributes.has('value_float') || attributes.has('value_floats'));

function mayScore(output: Value): boolean {
  const [dtype, shape] = [dtypeOf(output), shapeOf(output)];
  if (dtype !== null && !isFloat(dtype)) return false;
  return shape === null || namesScores(output.name) || (shape.length > 0 && shape.at(-1) !== 1);
}
