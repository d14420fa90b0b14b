/** Whether a constant gets to a place where it is a weight that can take another form, through nodes that hand it on and
 *  through calls of the model's own functions. */
import type { FunctionTable } from '../ir/functions.ts';
import type { Use, Value } from '../ir/model.ts';
import { constantBehind } from './constant-behind.ts';
import { weightAt, weightRow } from './weights.ts';

/** Answers for a value of the graph or of a body. What leaves a body as its output counts as a weight: the call's reader
 *  may be anything. */
export function weightReach(table: FunctionTable): (value: Value) => boolean {
  const known = new Map<Value, boolean>();
  const reaches = (value: Value): boolean => {
    const before = known.get(value);
    if (before !== undefined) return before;
    known.set(value, false);
    const found = value.uses.some(isWeightUse);
    known.set(value, found);
    return found;
  };
  const isWeightUse = ({ node, index }: Use): boolean => {
    if (!node) return true;
    const inBody = table(node)?.graph.inputs[index];
    if (inBody) return reaches(inBody);
    const weight = weightAt(node, index);
    if (weight === 'unknown-operator') return false;
    if (weight) return weight.forms.size > 0;
    const output = node.outputs[0];
    const row = weightRow(node);
    // Two constants added are one constant.
    const isFolded =
      row?.kind === 'operands' && node.inputs.every((v, i) => i === index || !v || constantBehind(v));
    return output != null && ((row?.kind === 'moves' && index === 0) || isFolded) && reaches(output);
  };
  return reaches;
}
