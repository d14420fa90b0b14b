/** Which nodes give the same outputs for the same inputs, every time. */
import { type Node, opKey } from '../ir/model.ts';
import { scalarOf } from './arguments.ts';

const randomOps: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
]);

/** False for random ops (seeded ones too: a seed fixes the sequence of calls, not the value) and training dropout. */
export function isDeterministic(node: Node): boolean {
  if (randomOps.has(opKey(node))) return false;
  return opKey(node) !== 'Dropout' || isInferenceDropout(node);
}

/** Dropout that passes its input on: training_mode absent or constant false (before opset 12 always). */
export const isInferenceDropout = (node: Node) => !node.inputs[2] || scalarOf(node.inputs[2]) === 0;
