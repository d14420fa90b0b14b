/** Weights that several operators read: folding a factor into them must not make copies. */
import { constantOf, type Node, type Value } from '../ir/model.ts';

/** Whether all readers of `weight` are followed by what `fold` is: the same operator with the same other operands. Then what all of them
 *  fold to is one tensor. */
export const foldsAlike = (weight: Value, fold: Node): boolean =>
  weight.uses.every(({ node }) => {
    if (!node?.inputs.slice(1).every((v) => !v || constantOf(v))) return false;
    const [output, ...others] = node.outputs;
    const reader = output?.uses.length === 1 ? output.uses[0]!.node : undefined;
    return (
      others.every((o) => !o?.uses.length) &&
      reader?.opType === fold.opType &&
      reader.domain === fold.domain &&
      sameConstants(reader, fold)
    );
  });

const sameConstants = (a: Node, b: Node): boolean => {
  const [x, y] = [constants(a), constants(b)];
  return x.length === y.length && x.every((v, i) => v === y[i]);
};

const constants = ({ inputs }: Node) => inputs.filter((v) => v && constantOf(v));
