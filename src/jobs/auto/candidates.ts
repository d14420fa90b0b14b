/** What a search may try on a model: precisions to begin with, then fewer channels and training on top of what held. */
import type { Minimised } from '../../compress/request/auto-fields.ts';
import type { WrittenFormatId } from '../../model/formats/format.ts';
import type { Model } from '../../model/ir/model.ts';
import { constantsOf, nodesOf } from '../../model/ir/walk.ts';
import type { TargetName } from '../../support/target.ts';
import { formatPercent } from '../../support/units.ts';
import type { JobRecipe } from '../sweep/recipe.ts';

export interface Candidate {
  /** In words, for people. */
  readonly name: string;
  /** Fields of a request to compress that tell it from others. */
  readonly recipe: JobRecipe;
}

export interface SpaceFacts {
  readonly target: TargetName;
  /** What is written. */
  readonly format: WrittenFormatId;
  readonly hasData: boolean;
  readonly minimise: Minimised;
  /** Share of its constants' elements that products of matrices read. */
  readonly productShare: number;
  /** Of the model's files. */
  readonly sizeBytes: number;
}

/** Weights below this share of a model are not worth a way of their own. */
const leastProducts = 0.3;
/** TensorFlow.js is tried for what is small: its own kernels in WebAssembly are slower. */
const largestForTfjs = 20e6;

export const exact: Candidate = { name: 'float, cleaned up', recipe: {} };
const weights: Candidate = { name: 'int8 weights', recipe: { int8: 'weights' } };
const fixedRanges: Candidate = { name: 'int8', recipe: { int8: 'static' } };
const foundRanges: Candidate = { name: 'int8, ranges found while running', recipe: { int8: 'dynamic' } };
const fewBits: Candidate = { name: 'int8 with 4-bit weights', recipe: { int8: 'static', weightBits: 4 } };
const blocks: Candidate = { name: '4-bit products', recipe: { q4: true } };
const halves: Candidate = { name: 'float16', recipe: { fp16: true } };
const halfBlocks: Candidate = { name: '4-bit products, float16', recipe: { q4: true, fp16: true } };
const shared: Candidate = { name: '32 values a weight', recipe: { cluster: 32 } };
const tfjs: Candidate = { name: 'TensorFlow.js, int8 weights', recipe: { format: 'tfjs', int8: 'weights' } };

/** Those that need nothing known of others. */
export function precisionsFor(facts: SpaceFacts): Candidate[] {
  const { target, format, hasData, minimise, productShare, sizeBytes } = facts;
  const products = productShare >= leastProducts;
  if (format === 'tfjs') return [exact, weights, halves];
  if (format === 'tflite') return [exact, hasData ? fixedRanges : foundRanges, weights, halves];
  const first = minimise === 'first-visit' ? [shared, ...(sizeBytes <= largestForTfjs ? [tfjs] : [])] : [];
  if (target === 'webgpu')
    return [exact, halves, weights, ...(products ? [blocks, halfBlocks] : []), ...first];
  return [
    ...[exact, weights],
    ...(hasData ? [fixedRanges, fewBits] : [foundRanges]),
    ...(products ? [blocks] : []),
    ...first,
  ];
}

/** The same with the most damaging layers in float again, as few as keep the budget; null where that can't be. */
export const repaired = ({ name, recipe }: Candidate, maxDrop: number): Candidate | null =>
  recipe['int8'] === 'static' && recipe['maxDrop'] === undefined
    ? { name: `${name}, the most damaging layers in float`, recipe: { ...recipe, maxDrop } }
    : null;

/** @param share  of the multiply–accumulates that stay */
export const narrowed = ({ name, recipe }: Candidate, share: number): Candidate => ({
  name: `${name}, ${formatPercent(share, 0)} of the arithmetic`,
  recipe: { ...recipe, macs: share },
});

/** Towards the original's answers, which takes no labels. */
export const trained = ({ name, recipe }: Candidate, epochs: number): Candidate => ({
  name: `${name.replace(/, trained.*/, '')}, trained for ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`,
  recipe: { ...recipe, distill: true, epochs },
});

/** Share of the constants' elements that products of matrices read. */
export function productShareOf(model: Model): number {
  const size = ({ dims }: { readonly dims: readonly number[] }) => dims.reduce((a, b) => a * b, 1);
  const all = constantsOf(model).reduce((sum, { tensor }) => sum + size(tensor), 0);
  const read = new Map<string, number>();
  for (const node of nodesOf(model)) {
    if (node.opType !== 'MatMul' && node.opType !== 'Gemm') continue;
    for (const value of node.inputs) if (value?.constant) read.set(value.name, size(value.constant));
  }
  return all === 0 ? 0 : [...read.values()].reduce((a, b) => a + b, 0) / all;
}
