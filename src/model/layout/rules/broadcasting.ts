/** Operators that compute element by element, with broadcasting. */
import { type Node, shapeOf, type Value } from '../../ir/model.ts';
import type { Shape } from '../../ir/type.ts';
import { arithmetic, comparisons, pointwise } from '../../ops/shapes/elementwise.ts';
import type { Permutation } from '../permutation.ts';
import { alike, first, isCopied, type LayoutRule, type LayoutTable, type Port, type Ports } from '../rule.ts';

/** Inputs of the output's rank go along. Of the others, constants are extended and permuted; what has one element or
 *  meets only axes that stay is right as it is. */
function broadcastPorts(node: Node, at: Port, perm: Permutation): Ports | null {
  const rank = perm.length;
  if (shapeOf(portValue(node, at))?.length !== shapeOf(node.outputs[0])?.length) return null;
  const inputs: (Permutation | null)[] = [];
  const constants: { index: number; perm: Permutation }[] = [];
  for (const [index, v] of node.inputs.entries()) {
    const shape = shapeOf(v);
    if (v && (!shape || shape.length > rank)) return null;
    const fits = !v || !shape || shape.every((d) => d === 1) || fitsUnder(shape, perm);
    if (v && !fits && isCopied(v, rank)) constants.push({ index, perm });
    else if (!fits && shape?.length !== rank) return null;
    inputs.push(fits || constants.at(-1)?.index === index ? null : perm);
  }
  return { inputs, outputs: node.outputs.map((v) => v && perm), constants };
}

const portValue = (node: Node, { side, index }: Port): Value | null =>
  (side === 'input' ? node.inputs[index] : node.outputs[index]) ?? null;

/** Whether a tensor of lower rank broadcasts over the permuted axes as it did before. */
function fitsUnder(shape: Shape, perm: Permutation): boolean {
  const missing = perm.length - shape.length;
  return missing > 0 && shape.every((d, i) => d === 1 || perm[i + missing] === i + missing);
}

const broadcast: LayoutRule = { ports: broadcastPorts };
const dataFirst: LayoutRule = { ports: (node, at, perm) => alike(node, at, perm, first) };
const rows = (keys: readonly string[], rule: LayoutRule): LayoutTable =>
  Object.fromEntries(keys.map((key) => [key, rule]));

export const broadcastingRules: LayoutTable = {
  ...rows(pointwise, dataFirst),
  ...rows(['Cast', 'CastLike', 'BitCast', 'Dropout', 'IsInf', 'IsNaN'], dataFirst),
  ...rows([...arithmetic, ...comparisons, 'Where', 'PRelu'], broadcast),
};
