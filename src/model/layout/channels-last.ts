/** Channels-last models, for formats that store [N, …space, C]: TensorFlow.js, .tflite.
 *    op(x)  =  T⁻¹(op'(T(x))),   T: [N, C, …space] → [N, …space, C]
 *  Every spatial operator becomes its channels-last form op' between two Transposes, which are then moved and cancelled.
 *  Weights and settings (kernels, pads, scales, axes of a Resize) stay as ONNX has them; who writes the file turns them. */
import { releaseOutput, removeNodes } from '../ir/edit.ts';
import { channelsLastDomain } from '../ir/internal-domain.ts';
import { type Model, type Node, shapeOf, type Value } from '../ir/model.ts';
import { copyNotes } from '../ir/note.ts';
import { graphsOf } from '../ir/walk.ts';
import { labelOf } from '../rewrite/apply.ts';
import { joinDepthToSpace } from './depth-to-space.ts';
import { type Permutation, permutedType } from './permutation.ts';
import { type LeftTranspose, leftTransposes, moveTransposes } from './propagate.ts';
import { type LayoutSession, openSession } from './session.ts';
import { isChannelsLast, isSpatial, toChannelsFirst, toChannelsLast } from './spatial.ts';

export interface ChannelsLast {
  /** How many operators compute on channels-last tensors now. */
  readonly turned: number;
  /** Spatial operators that stay as they were, and why. */
  readonly kept: readonly { readonly at: string; readonly reason: string }[];
  /** Transposes that are left, and why. */
  readonly left: readonly LeftTranspose[];
}

/** Edits the model in place. Types must have been inferred. Inputs and outputs keep their shapes: `changeBoundary` turns those. */
export function channelsLast(model: Model): ChannelsLast {
  joinDepthToSpace(model);
  const kept: { at: string; reason: string }[] = [];
  let turned = 0;
  for (const graph of [...graphsOf(model)]) {
    const session = openSession(model, graph);
    const spatial = graph.nodes.filter(isSpatial);
    const known = spatial.filter(hasRank);
    for (const node of spatial) if (!hasRank(node)) kept.push({ at: labelOf(node), reason: 'rank-unknown' });
    for (const node of known) turnNode(session, node, toChannelsLast, toChannelsFirst, channelsLastDomain);
    removeNodes(graph, new Set(known));
    turned += known.length;
    moveTransposes(session);
  }
  return { turned, kept, left: leftTransposes(model) };
}

/** The way back: channels-last operators become those of ONNX, between Transposes that are moved and cancelled. */
export function channelsFirst(model: Model): readonly LeftTranspose[] {
  for (const graph of [...graphsOf(model)]) {
    const session = openSession(model, graph);
    const nodes = graph.nodes.filter(isChannelsLast);
    for (const node of nodes) turnNode(session, node, toChannelsFirst, toChannelsLast, '');
    removeNodes(graph, new Set(nodes));
    moveTransposes(session);
  }
  return leftTransposes(model);
}

const hasRank = (node: Node) => shapeOf(node.inputs[0]) !== null;

/** Of the value that holds the same in the other order. */
const turnedName = (name: string) => `${name}_turned`;

/** What the value was called that was turned; names that are taken end in a number. */
export const nameBeforeTurn = (name: string) => name.replace(/_turned(_\d+)?$/, '');

type Turn = (rank: number) => Permutation;

/** Puts the node's other form, between Transposes, in its place; the node itself is left without outputs. */
function turnNode(session: LayoutSession, node: Node, into: Turn, back: Turn, domain: string): void {
  const x = node.inputs[0]!;
  const rank = shapeOf(x)!.length;
  const before = session.add({
    opType: 'Transpose',
    inputs: [x],
    outputs: [turnedName(x.name)],
    attributes: { perm: into(rank) },
  });
  before.outputs[0]!.type = permutedType(x.type, into(rank));
  const written = node.outputs.map((_, i) => releaseOutput(node, i));
  const made = session.add({
    ...node,
    domain,
    inputs: [before.outputs[0]!, ...node.inputs.slice(1)],
    outputs: written.map((v) => v && (isTurned(v, rank) ? turnedName(v.name) : v)),
  });
  copyNotes(node, made);
  written.forEach((v, i) => {
    if (!v || !isTurned(v, rank)) return;
    made.outputs[i]!.type = permutedType(v.type, into(rank));
    session.add({
      opType: 'Transpose',
      inputs: [made.outputs[i]!],
      outputs: [v],
      attributes: { perm: back(rank) },
    });
  });
}

const isTurned = (v: Value, rank: number) => shapeOf(v)?.length === rank;
