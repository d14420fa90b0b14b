/** Layers: the ops that hold weights, followed by name through the pipeline so that the report can say what became
 *  of each. A note on the node survives clones; passes that replace a node carry it over. */

import { constantOf, isOp, type Model, type Node, readers, type Value } from '../../model/ir/model.ts';
import { defineNote } from '../../model/ir/note.ts';
import { elementCount, sizeBytes, type Tensor } from '../../model/ir/tensor.ts';
import { nodesOf } from '../../model/ir/walk.ts';
import { constantBehind } from '../../model/ops/constant-behind.ts';
import { clampInterval, traitOf } from '../../model/ops/quantization.ts';
import { isFloatWeight } from '../../model/ops/stored-weight.ts';
import { weightsOf } from '../../model/ops/weights.ts';
import type { Decision } from './plan.ts';

interface LayerNote {
  /** Node name, or its first output's where it has none. */
  readonly name: string;
  readonly opType: string;
  /** Value to compare: the output, or that of a clamp that alone reads it. */
  readonly output: string;
}

const layers = defineNote<Node, LayerNote>('layer');
const decisions = defineNote<Node, Decision>('precision');
const whole = defineNote<Node, string>('kept-whole');

/** Notes every weight-holding op of a model. */
export function markLayers(model: Model): void {
  for (const node of nodesOf(model)) {
    if (!holdsWeights(node)) continue;
    const output = node.outputs.find((v) => v !== null)!;
    const only = output.uses.length === 1 ? readers(output)[0] : undefined;
    const shown = only && traitOf(only)?.kind === 'clamp' && clampInterval(only) ? only.outputs[0]! : output;
    const note: LayerNote = { name: node.name || output.name, opType: node.opType, output: shown.name };
    layers.set(node, note);
  }
}

export const layerNote = layers.get;

/** What a layer computes in, as the passes decided; undefined before any did. */
export const decisionOf = decisions.get;

export const decide = decisions.set;

/** Notes why an operator that hides weights could not be opened: a function call, or one that an optimiser fused. */
export const keepWhole = whole.set;

export const wholeReason = whole.get;

/** Why a node computes in float; null where it doesn't, or nothing was said. That it was kept whole comes before what later
 *  passes made of it, but not before the user's own word. */
export function floatReason(node: Node): string | null {
  const decision = decisionOf(node);
  const said = decision?.reason ?? null;
  const isFloat = !decision || decision.precision === 'float' || decision.precision === 'int8-weights';
  return isFloat && said !== 'excluded' ? (wholeReason(node) ?? said) : said;
}

export function carryLayer(from: Node, to: Node): void {
  const note = layerNote(from);
  if (note) layers.set(to, note);
}

/** Matrices, tables and gates, and any product of two computed values; of an operator that nobody knows, what is too
 *  large to be a setting. */
function holdsWeights(node: Node): boolean {
  const found = weightsOf(node);
  if (found.kind === 'unknown-operator') return node.inputs.some(isLarge);
  return found.weights.some(({ role, index }) => {
    if (role === 'recurrent') return true;
    if (role === 'table') return (constantOf(node.inputs[index])?.dims.length ?? 0) >= 2;
    return role === 'product' && (constantBehind(node.inputs[index]) !== null || isOp(node, 'MatMul'));
  });
}

const isLarge = (v: Value | null): boolean => {
  const tensor = constantOf(v);
  return tensor !== null && isFloatWeight(tensor) && elementCount(tensor.dims) >= 342;
};

/** Finds all constants that a node reads, directly or through nodes that read constants only; of a model that isn't edited
 *  meanwhile. */
export function storedConstants(model: Model): (node: Node) => Tensor[] {
  const constant = new Set<Value>();
  const isConstant = (v: Value | null) => !v || v.constant !== null || constant.has(v);
  for (const node of nodesOf(model))
    if (node.inputs.length > 0 && node.inputs.every(isConstant))
      for (const v of node.outputs) if (v) constant.add(v);
  return (node) => {
    const behind = new Set(node.inputs);
    for (const v of behind)
      if (v && constant.has(v)) for (const input of v.producer!.inputs) behind.add(input);
    return [...behind].flatMap((v) => v?.constant ?? []);
  };
}

/** Of what `storedConstants` finds. */
export const weightBytes = (tensors: readonly Tensor[]): number =>
  tensors.reduce((sum, tensor) => sum + sizeBytes(tensor), 0);
