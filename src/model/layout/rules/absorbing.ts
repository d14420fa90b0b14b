/** Operators that read a permuted tensor and answer as before: what follows doesn't notice. */
import { intAttribute, textAttribute } from '../../ir/attribute.ts';
import { setAttribute } from '../../ir/edit.ts';
import type { Node } from '../../ir/model.ts';
import { inverse, type Permutation, permuted } from '../permutation.ts';
import type { LayoutRule, LayoutTable, Port, Ports } from '../rule.ts';

/** Ports of a node of which only this one is permuted. */
const alone = (node: Node, at: Port, perm: Permutation): Ports => {
  const only = (side: Port['side']) => (_: unknown, i: number) =>
    at.side === side && at.index === i ? perm : null;
  return { inputs: node.inputs.map(only('input')), outputs: node.outputs.map(only('output')), constants: [] };
};

const onInput: LayoutRule['ports'] = (node, at, perm) => (at.side === 'input' ? alone(node, at, perm) : null);

/** The sizes are put back in order; `start` and `end` choose among them. */
const shape: LayoutRule = {
  ports: onInput,
  move(node, ports, edit) {
    const order = inverse(ports.inputs[0]!);
    const chosen = order.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', order.length));
    setAttribute(node, 'start', undefined);
    setAttribute(node, 'end', undefined);
    edit.reorderOutput(node, chosen);
  },
};

/** A transposed matrix is an attribute. */
const gemm: LayoutRule = {
  ports: (node, at, perm) => (at.index < 2 ? onInput(node, at, perm, 0) : null),
  move: (node, { inputs }) =>
    ['transA', 'transB'].forEach((name, i) => {
      if (inputs[i]) setAttribute(node, name, intAttribute(node, name, 0) === 0 ? 1 : 0);
    }),
};

/** Terms of an equation without '...'; null for others. */
function terms(node: Node): { inputs: string[]; output: string } | null {
  const equation = textAttribute(node, 'equation', '').replace(/\s/g, '');
  const [left, output] = equation.split('->');
  return left && output !== undefined && !equation.includes('.') ? { inputs: left.split(','), output } : null;
}

const letters = (term: string, perm: Permutation | null | undefined) =>
  perm ? permuted([...term], perm).join('') : term;

/** The letters of a term follow its axes. */
const einsum: LayoutRule = {
  ports(node, at, perm) {
    const known = terms(node);
    const term = at.side === 'input' ? known?.inputs[at.index] : known?.output;
    return term?.length === perm.length ? alone(node, at, perm) : null;
  },
  move(node, { inputs, outputs }) {
    const known = terms(node)!;
    const left = known.inputs.map((term, i) => letters(term, inputs[i]));
    setAttribute(node, 'equation', `${left.join(',')}->${letters(known.output, outputs[0])}`);
  },
};

export const absorbingRules: LayoutTable = {
  Shape: shape,
  Size: { ports: onInput },
  Gemm: gemm,
  Einsum: einsum,
};
