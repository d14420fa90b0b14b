/** What an adaptation is: a change to a node for one version of its operator, and what it is given for that. */
import type { Diagnostic } from '../../../support/diagnostics.ts';
import type { Node, Value } from '../../ir/model.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { replaceNode } from './edits.ts';

export interface Adapter {
  /** An initializer in the node's graph, for use as its input. */
  constant(node: Node, what: string, tensor: Tensor): Value;
  /** What to throw for a node that has no successor: UPGRADE_UNSUPPORTED with the reason. */
  unsupported(node: Node, reason: string): Diagnostic;
}

export type Adaptation = (node: Node, a: Adapter) => void;

/** Takes the outputs behind the first away; refused with the reason where one is read. */
export const firstOutputOnly =
  (reason: string): Adaptation =>
  (node, a) => {
    if (node.outputs.slice(1).some((v) => v && v.uses.length > 0)) throw a.unsupported(node, reason);
    if (node.outputs.length > 1) replaceNode(node, { outputs: node.outputs.slice(0, 1) });
  };
