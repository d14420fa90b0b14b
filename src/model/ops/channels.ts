/** How the channels of an operator's inputs and outputs hang together: one rule an operator (channels/*.ts), and the
 *  walk that applies them to a graph. An operator without a rule pins what it touches, and says so. */

import { subgraphs } from '../ir/attribute.ts';
import { dtypes } from '../ir/dtype.ts';
import { constantOf, type Model, type Node, opKey, opset, shapeOf, type Value } from '../ir/model.ts';
import { initializersOf, nodesOf } from '../ir/walk.ts';
import { attentionChannels } from './channels/attention.ts';
import { convolutionChannels } from './channels/convolution.ts';
import { elementwiseChannels } from './channels/elementwise.ts';
import { type ChannelLinks, createChannelLinks } from './channels/links.ts';
import { matrixChannels } from './channels/matrix.ts';
import { movementChannels } from './channels/movement.ts';
import { normalizationChannels } from './channels/normalization.ts';
import { recurrentChannels } from './channels/recurrent.ts';
import { reductionChannels } from './channels/reduction.ts';
import type { ChannelTable, Kept, LinkContext } from './channels/rule.ts';
import { rulesOf } from './operators.ts';
import { inferShapes } from './shapes.ts';
import type { Data } from './types.ts';

export const channelRules: ChannelTable = {
  ...rulesOf('channels'),
  ...attentionChannels,
  ...convolutionChannels,
  ...elementwiseChannels,
  ...matrixChannels,
  ...movementChannels,
  ...normalizationChannels,
  ...recurrentChannels,
  ...reductionChannels,
};

export interface LinkOptions {
  /** Axes that LayerNormalization and the like take statistics over may shrink: right for a network that will be
   *  trained, not for one that must answer like the masked original. */
  readonly shrinkNorms?: boolean;
  /** What these nodes put out keeps its size; their inputs may shrink. */
  readonly exclude?: (node: Node) => boolean;
}

export interface LinkedModel {
  readonly links: ChannelLinks;
  /** Rewrites of attributes and small constants, to be run before weights are cut. */
  readonly edits: readonly ((kept: Kept) => void)[];
}

/** Links all axes of the graph and its subgraphs. Types of values are inferred (and written) first. */
export function linkChannels(model: Model, options: LinkOptions = {}): LinkedModel {
  const shapes = inferShapes(model);
  const links = createChannelLinks();
  const edits: ((kept: Kept) => void)[] = [];
  const data = dataReader(shapes.data);
  for (const v of model.graph.inputs)
    links.pinAll(v, v.constant ? 'may-be-overridden-by-the-caller' : 'graph-input');
  for (const v of model.graph.outputs) links.pinAll(v, 'graph-output');
  for (const { value } of initializersOf(model)) {
    const tensor = constantOf(value);
    if (!tensor) links.pinAll(value, 'may-be-overridden-by-the-caller');
    else if (tensor.kind === 'string' || dtypes[tensor.dtype].bits < 8)
      links.pinAll(value, `weight-is-${tensor.dtype}`);
  }
  for (const node of nodesOf(model)) {
    const rule = Object.hasOwn(channelRules, opKey(node)) ? channelRules[opKey(node)] : undefined;
    if (subgraphs(node).length > 0) pinBranches(links, node);
    else if (!rule)
      for (const v of [...node.inputs, ...node.outputs]) links.pinAll(v, `no-channel-rule: ${opKey(node)}`);
    else rule(contextOf(node, model, links, edits, data, options.shrinkNorms ?? false));
    if (options.exclude?.(node)) for (const v of node.outputs) links.pinAll(v, 'excluded');
  }
  links.resolve();
  return { links, edits };
}

/** What goes into a branch or a loop body, and comes out of it, keeps its size; what is inside may lose channels. */
function pinBranches(links: ChannelLinks, node: Node): void {
  for (const v of [...node.inputs, ...node.outputs]) links.pinAll(v, `around-${node.opType}`);
  for (const graph of subgraphs(node))
    for (const v of [...graph.inputs, ...graph.outputs]) links.pinAll(v, `around-${node.opType}`);
}

const dataReader =
  (known: (v: Value) => Data | null) =>
  (v: Value | null | undefined): Data | null =>
    v ? known(v) : null;

const contextOf = (
  node: Node,
  model: Model,
  links: ChannelLinks,
  edits: ((kept: Kept) => void)[],
  data: (v: Value | null | undefined) => Data | null,
  shrinkNorms: boolean,
): LinkContext => ({
  node,
  opset: opset(model) || opset(model, 'ai.onnx'),
  shrinkNorms,
  shape: (v) => shapeOf(v),
  data,
  link: links.link,
  same: links.same,
  pin: (v, axis, reason, index) => v && links.pin(v, axis, reason, index),
  pinAll: links.pinAll,
  role: links.role,
  kind: links.kind,
  merge: (whole, parts, isSplit) => links.merge({ whole, parts, isSplit }),
  onShrink: (edit) => edits.push(edit),
});
