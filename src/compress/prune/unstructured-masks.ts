/** Which weights become zero: scores, how much of each layer goes, and N:M patterns. A mask has 1 where a weight stays.
 *  Sources: Zhu & Gupta 2017, arXiv:1710.01878 (magnitude, schedule); Evci et al. 2020, arXiv:1911.11134 (ERK);
 *  Sun et al. 2024, arXiv:2306.11695 (Wanda: weight times activation norm, compared along each output). */
import type { Moments } from '../../compute/calibrate/statistics.ts';
import { elementCount, float32Values } from '../../model/ir/tensor.ts';
import type { Layout, WeightLayer } from './unstructured-layers.ts';

/** global: one ranking of all weights · uniform: the same share of each layer · erk: less of small layers · row: the
 *  same share of what each output sums. */
export type SparsityScope = 'global' | 'uniform' | 'erk' | 'row';

/** N of M neighbours along the summed axis stay. */
export interface NofM {
  readonly n: number;
  readonly m: number;
}

/** |w|, or |w|·‖x‖ with the root mean square of what each column is multiplied with. Element order. */
export function scoreWeights(layer: WeightLayer, moments?: Moments): Float32Array {
  const weights = float32Values(layer.value.constant!);
  if (!moments || !layer.layout) return weights.map(Math.abs);
  const scores = new Float32Array(weights.length);
  const { rows, columns, groups } = layer.layout;
  const norms = moments.values.map(Math.sqrt);
  for (let r = 0; r < rows; r++) {
    const group = Math.floor((r * groups) / rows);
    for (let c = 0; c < columns; c++) {
      const at = elementAt(layer.layout, r, c);
      scores[at] = Math.abs(weights[at]!) * norms[group * columns + c]!;
    }
  }
  return scores;
}

export const elementAt = (l: Layout, row: number, column: number) =>
  row * l.rowStride + column * l.columnStride;

/** Share of each layer that becomes zero so that `sparsity` of all weights does.
 *  @param leave  least share of a layer that stays, so that none is cut through
 *  @param scores  for 'global': of each layer, compared with one another */
export function allocate(
  layers: readonly WeightLayer[],
  sparsity: number,
  scope: SparsityScope,
  leave: number,
  scores: readonly Float32Array[],
): number[] {
  const most = Math.max(0, 1 - leave);
  if (scope === 'global') return globalShares(scores, sparsity, most);
  if (scope === 'erk') return erkShares(layers, sparsity, most);
  return layers.map(() => Math.min(most, sparsity));
}

/** Layers whose share would be above `most` stay there, and the others make up for it. */
function globalShares(scores: readonly Float32Array[], sparsity: number, most: number): number[] {
  const shares = scores.map(() => 0);
  const total = scores.reduce((n, s) => n + s.length, 0);
  const full = new Set<number>();
  for (;;) {
    const open = scores.flatMap((s, i) => (full.has(i) ? [] : [{ s, i }]));
    const capped = [...full].reduce((n, i) => n + Math.floor(most * scores[i]!.length), 0);
    const goes = Math.round(sparsity * total) - capped;
    const all = joined(open.map(({ s }) => s)).sort();
    // Zeros that are there already are among the smallest; the threshold is the first score that stays.
    const threshold = goes <= 0 ? 0 : (all[Math.min(goes, all.length) - 1] ?? 0);
    const below = open.map(({ s }) => s.reduce((n, x) => n + (x < threshold ? 1 : 0), 0));
    let ties = Math.max(0, goes - below.reduce((a, b) => a + b, 0));
    open.forEach(({ s, i }, k) => {
      const equal = Math.min(
        ties,
        s.reduce((n, x) => n + (x === threshold ? 1 : 0), 0),
      );
      ties -= equal;
      shares[i] = (below[k]! + equal) / s.length;
    });
    const over = open.filter(({ s, i }) => shares[i]! * s.length > Math.floor(most * s.length));
    for (const { i, s } of over) shares[i] = Math.floor(most * s.length) / s.length;
    for (const { i } of over) full.add(i);
    if (over.length === 0) return shares;
  }
}

/** Density of a layer ∝ (Σ dims) / (Π dims), scaled to meet the target; layers that would be denser than full are. */
function erkShares(layers: readonly WeightLayer[], sparsity: number, most: number): number[] {
  const sizes = layers.map((l) => elementCount(l.value.constant!.dims));
  const raw = layers.map((l, i) => l.value.constant!.dims.reduce((a, b) => a + b, 0) / sizes[i]!);
  const dense = new Set<number>();
  for (;;) {
    const kept = (1 - sparsity) * sizes.reduce((a, b) => a + b, 0);
    const spent = [...dense].reduce((n, i) => n + sizes[i]!, 0);
    const weight = sizes.reduce((n, s, i) => n + (dense.has(i) ? 0 : s * raw[i]!), 0);
    const factor = weight > 0 ? Math.max(0, kept - spent) / weight : 0;
    const over = raw.flatMap((r, i) => (!dense.has(i) && r * factor > 1 ? [i] : []));
    for (const i of over) dense.add(i);
    if (over.length === 0) return raw.map((r, i) => (dense.has(i) ? 0 : Math.min(most, 1 - r * factor)));
  }
}

/** The mask of one layer: the `share` with the least scores goes, of the whole layer or of each row. */
export function maskOf(scores: Float32Array, share: number, rows: Layout | null = null): Uint8Array {
  const mask = new Uint8Array(scores.length).fill(1);
  if (!rows) dropLeast(mask, scores, null, share);
  else for (let r = 0; r < rows.rows; r++) dropLeast(mask, scores, rowIndices(rows, r), share);
  return mask;
}

function dropLeast(mask: Uint8Array, scores: Float32Array, at: Int32Array | null, share: number): void {
  const values = at ? Float32Array.from(at, (i) => scores[i]!) : scores.slice();
  const count = Math.round(share * values.length);
  if (count === 0) return;
  values.sort();
  const threshold = values[count - 1]!;
  let ties = 0;
  for (let k = count - 1; k >= 0 && values[k] === threshold; k--) ties++;
  const drop = (i: number) => {
    const s = scores[i]!;
    if (s < threshold) mask[i] = 0;
    else if (s === threshold && ties > 0) {
      mask[i] = 0;
      ties--;
    }
  };
  if (at) for (const i of at) drop(i);
  else for (let i = 0; i < scores.length; i++) drop(i);
}

const rowIndices = (l: Layout, row: number) =>
  Int32Array.from({ length: l.columns }, (_, c) => elementAt(l, row, c));

/** Columns that make up the groups of M: neighbours along the channels at the same place of the kernel. What is left over
 *  at the end stays dense. */
export function patternGroups({ columns, places }: Layout, m: number): Int32Array[] {
  const channels = columns / places;
  const groups: Int32Array[] = [];
  for (let p = 0; p < places; p++)
    for (let c = 0; c + m <= channels; c += m)
      groups.push(Int32Array.from({ length: m }, (_, i) => (c + i) * places + p));
  return groups;
}

export function patternMask(scores: Float32Array, layout: Layout, { n, m }: NofM): Uint8Array {
  const mask = new Uint8Array(scores.length).fill(1);
  const groups = patternGroups(layout, m);
  for (let r = 0; r < layout.rows; r++)
    for (const columns of groups) {
      const at = Array.from(columns, (c) => elementAt(layout, r, c));
      at.sort((a, b) => scores[a]! - scores[b]! || b - a);
      for (const i of at.slice(0, m - n)) mask[i] = 0;
    }
  return mask;
}

/** Scores of layers made comparable: activations differ in scale from layer to layer. */
export function normalisedScores(scores: Float32Array): Float32Array {
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  return mean > 0 ? scores.map((s) => s / mean) : scores;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
