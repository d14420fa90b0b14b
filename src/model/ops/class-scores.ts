/** Whether a model answers with scores of classes, as far as its graph and names tell. */
import { isOp, type Model, shapeOf } from '../ir/model.ts';

/** Whether the first output scores classes along its last axis, judged by what computes it. */
export function scoresClasses(model: Model): boolean {
  const [output] = model.graph.outputs;
  const shape = shapeOf(output);
  if (!output || !shape || shape.length < 2) return false;
  if (namesScores(output.name)) return true;
  const wide = shape.slice(1).filter((d) => d !== 1);
  return (
    wide.length <= 2 &&
    shape.at(-1) !== 1 &&
    shape.length <= 4 &&
    isOp(output.producer, 'Softmax', 'LogSoftmax', 'Gemm', 'MatMul', 'Add', 'Flatten', 'Squeeze', 'Reshape')
  );
}

/** Whether an output is called as one that scores classes. */
export const namesScores = (name: string): boolean => /logit|prob|score|class|softmax/i.test(name);
