/** Which outputs are scores of classes, as far as a model's graph and names tell. */
import { dtypeOf, isOp, type Model, shapeOf, type Value } from '../ir/model.ts';
import { nodesOf } from '../ir/walk.ts';

/** Whether the first output scores classes along its last axis, judged by what computes it. */
export function scoresClasses(model: Model): boolean {
  const [output] = model.graph.outputs;
  const shape = shapeOf(output);
  if (!output || !shape || shape.length < 2 || !scoreOutputs(model).has(output.name)) return false;
  if (namesScores(output.name)) return true;
  const wide = shape.slice(1).filter((d) => d !== 1);
  return (
    wide.length <= 2 &&
    shape.at(-1) !== 1 &&
    shape.length <= 4 &&
    isOp(output.producer, 'Softmax', 'LogSoftmax', 'Gemm', 'MatMul', 'Add', 'Flatten', 'Squeeze', 'Reshape')
  );
}

/** Names of the outputs whose largest element along the last axis may be an answer: those that a Softmax makes or that are
 *  called so; else the only output, unless it gives several rows for a picture, as detectors do. Not among them: boxes,
 *  points and scores side by side, states and reconstructions (the image of an input), and whatever comes out of a
 *  model that suppresses boxes, where places are boxes. */
export function scoreOutputs(model: Model): ReadonlySet<string> {
  for (const node of nodesOf(model)) if (isOp(node, 'NonMaxSuppression')) return new Set();
  const inputs = model.graph.inputs.filter((v) => !v.constant);
  const answers = model.graph.outputs.filter((o) => !inputs.some((v) => isImage(o, v)));
  const seesPictures = inputs.some((v) => shapeOf(v)?.length === 4);
  const isOnlyAnswer = answers.length === 1 && !(seesPictures && shapeOf(answers[0])?.length === 3);
  const scores = answers.filter((o) => namesScores(o.name) || isSoftmax(o) || isOnlyAnswer);
  return new Set(scores.map((o) => o.name));
}

/** Whether an output has an input's type and shape; batch sizes that are left open may have other names. */
function isImage(output: Value, input: Value): boolean {
  const [a, b] = [shapeOf(output), shapeOf(input)];
  if (!a || !b || a.length !== b.length || dtypeOf(output) !== dtypeOf(input)) return false;
  return a.every((d, i) => d === b[i] || (i === 0 && typeof d !== 'number' && typeof b[i] !== 'number'));
}

/** Operators that write the same numbers in another form. */
export const rewriting = [
  'Identity',
  'Cast',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'DequantizeLinear',
  'QuantizeLinear',
] as const;

/** A Softmax, or one whose result is only written in another form. */
function isSoftmax(value: Value): boolean {
  let node = value.producer;
  while (isOp(node, ...rewriting)) node = node?.inputs[0]?.producer ?? null;
  return isOp(node, 'Softmax', 'LogSoftmax');
}

/** Whether an output is called as one that scores classes. */
export const namesScores = (name: string): boolean => /logit|prob|score|class|softmax/i.test(name);
