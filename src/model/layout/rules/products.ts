/** Matrix products: what lies before the axes that are multiplied moves freely. */
import { type Node, shapeOf } from '../../ir/model.ts';
import type { Permutation } from '../permutation.ts';
import { alike, fixes, type LayoutRule, type LayoutTable, type Port, type Ports } from '../rule.ts';

/** [..., M, K]·[K, N]: all but the last axis of the left side move. Two tensors of the same rank: all but the last two. */
function matMulPorts(node: Node, at: Port, perm: Permutation): Ports | null {
  const right = shapeOf(node.inputs[1])?.length;
  if (right === 2 && perm.length > 2)
    return fixes(perm, -1) ? alike(node, at, perm, (index) => index === 0) : null;
  return fixes(perm, -2) ? alike(node, at, perm, (index) => index < 2) : null;
}

const matMul: LayoutRule = { ports: matMulPorts };

export const productRules: LayoutTable = { MatMul: matMul };
