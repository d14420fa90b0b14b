/** Pruning in one shot with the other weights making up for what goes: SparseGPT.
 *    H = mean x·xᵀ + λI,  H⁻¹ = UᵀU (U upper);  column by column, left to right: masked weights become zero, and their error
 *    err = w / U[c,c] is spread over the columns to the right, W[:, c…] −= err·U[c, c…]
 *  Source: Frantar & Alistarh 2023, arXiv:2301.00774. */
import type { Engine, Session } from '../../compute/engine/contract.ts';
import { buildKernel, openKernel } from '../../compute/engine/kernel.ts';
import { float32Values, tensorOf } from '../../model/ir/tensor.ts';
import type { Layout } from './unstructured-layers.ts';
import { elementAt, maskOf, type NofM, patternGroups } from './unstructured-masks.ts';

interface CompensationOptions {
  /** Share of the layer that becomes zero, where there is no pattern. */
  readonly share: number;
  readonly pattern: NofM | null;
  /** Added to the diagonal of H, relative to its mean. */
  readonly damping: number;
  /** Columns whose mask is chosen together. */
  readonly block: number;
}

interface Compensator {
  /** @param weights  in element order @param moments  [groups, columns, columns] @returns the new weights */
  prune(
    weights: Float32Array,
    layout: Layout,
    moments: Float32Array,
    options: CompensationOptions,
  ): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A layer's part with inputs of its own: its columns ordered so that those of one N:M group stand together. */
interface Part {
  readonly w: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** Factor of the inverse, [columns, columns]. */
  readonly u: Float64Array;
  /** Leading columns that fall into groups of M. */
  readonly patterned: number;
}

export function createCompensator(engine: Engine): Compensator {
  let opened: Promise<Session> | null = null;
  return {
    async prune(weights, layout, moments, options) {
      opened ??= openKernel(engine, spreadGraph());
      const session = await opened;
      const result = weights.slice();
      const { columns, groups } = layout;
      const rows = layout.rows / groups;
      const { order, patterned } = columnOrder(layout, options.pattern);
      for (let g = 0; g < groups; g++) {
        const at = (r: number, c: number) => elementAt(layout, g * rows + r, order[c]!);
        const w = new Float32Array(rows * columns);
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < columns; c++) w[r * columns + c] = weights[at(r, c)]!;
        const h = moments.subarray(g * columns * columns, (g + 1) * columns * columns);
        const u = inverseFactor(ordered(h, order), columns, options.damping);
        const done = await sweep(session, { w, rows, columns, u, patterned }, options);
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < columns; c++) result[at(r, c)] = done[r * columns + c]!;
      }
      return result;
    },
    close: async () => (await opened)?.close(),
  };
}

/** W − E·U: what the columns to the right of a block take over. */
const spreadGraph = () =>
  buildKernel((b) => {
    const w = b.input('w', 'float32', ['rows', 'columns']);
    const e = b.input('e', 'float32', ['rows', 'block']);
    const u = b.input('u', 'float32', ['block', 'columns']);
    b.output('next', b.op('Sub', [w, b.op('MatMul', [e, u])]), 'float32');
  });

function columnOrder(layout: Layout, pattern: NofM | null): { order: Int32Array; patterned: number } {
  const all = Int32Array.from({ length: layout.columns }, (_, i) => i);
  if (!pattern) return { order: all, patterned: 0 };
  const grouped = patternGroups(layout, pattern.m).flatMap((g) => [...g]);
  const known = new Set(grouped);
  return {
    order: Int32Array.from([...grouped, ...all.filter((i) => !known.has(i))]),
    patterned: grouped.length,
  };
}

function ordered(h: Float32Array, order: Int32Array): Float64Array {
  const n = order.length;
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) result[i * n + j] = h[order[i]! * n + order[j]!]!;
  return result;
}

/** U with H⁻¹ = UᵀU, upper triangular: H = R·Rᵀ from the last row up, then U = R⁻¹.
 *  @param h  [n, n], symmetric, no eigenvalue below zero; overwritten */
export function inverseFactor(h: Float64Array, n: number, damping: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += h[i * n + i]!;
  const extra = trace > 0 ? (damping * trace) / n : 1;
  for (let i = 0; i < n; i++) h[i * n + i]! += extra;
  for (let j = n - 1; j >= 0; j--) {
    const row = h.subarray(j * n, (j + 1) * n);
    for (let i = j; i >= 0; i--) {
      const other = h.subarray(i * n, (i + 1) * n);
      let sum = other[j]!;
      for (let k = j + 1; k < n; k++) sum -= other[k]! * row[k]!;
      // Rounding can leave a hair below zero where inputs are linearly dependent.
      other[j] = i === j ? Math.sqrt(Math.max(sum, extra * 1e-6)) : sum / row[j]!;
    }
  }
  const u = new Float64Array(n * n);
  for (let i = n - 1; i >= 0; i--) {
    const target = u.subarray(i * n, (i + 1) * n);
    target[i] = 1;
    for (let k = i + 1; k < n; k++) {
      const factor = h[i * n + k]!;
      const row = u.subarray(k * n, (k + 1) * n);
      for (let c = k; c < n; c++) target[c]! -= factor * row[c]!;
    }
    const divisor = h[i * n + i]!;
    for (let c = i; c < n; c++) target[c]! /= divisor;
  }
  return u;
}

async function sweep(session: Session, part: Part, o: CompensationOptions): Promise<Float32Array> {
  const { w, columns } = part;
  const m = o.pattern?.m ?? 1;
  const width = Math.max(1, Math.round(o.block / m)) * m;
  for (let from = 0; from < columns; from += width) {
    const to = Math.min(columns, from + width);
    const errors = pruneBlock(part, from, to, o);
    if (to < columns) await spread(session, part, errors, from, to);
  }
  return w;
}

/** Makes the columns from…to sparse. @returns their errors, [rows, to − from] */
function pruneBlock(part: Part, from: number, to: number, o: CompensationOptions): Float32Array {
  const { w, rows, columns, u, patterned } = part;
  const width = to - from;
  const errors = new Float32Array(rows * width);
  const mask = o.pattern ? new Uint8Array(rows * width).fill(1) : maskOf(costs(part, from, to), o.share);
  for (let c = from; c < to; c++) {
    if (o.pattern && c < patterned && c % o.pattern.m === 0)
      choosePattern(mask, costs(part, c, c + o.pattern.m), rows, width, c - from, o.pattern);
    for (let r = 0; r < rows; r++) {
      if (mask[r * width + c - from] === 1) continue;
      const error = w[r * columns + c]! / u[c * columns + c]!;
      w[r * columns + c] = 0;
      if (error === 0) continue;
      errors[r * width + c - from] = error;
      for (let k = c + 1; k < to; k++) w[r * columns + k]! -= error * u[c * columns + k]!;
    }
  }
  return errors;
}

/** What zeroing each weight costs in the output: w² / U[c,c]². */
function costs({ w, rows, columns, u }: Part, from: number, to: number): Float32Array {
  const width = to - from;
  const result = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++)
    for (let c = from; c < to; c++)
      result[r * width + c - from] = (w[r * columns + c]! / u[c * columns + c]!) ** 2;
  return result;
}

/** Marks the cheapest M − N of a group in each row. */
function choosePattern(
  mask: Uint8Array,
  cost: Float32Array,
  rows: number,
  width: number,
  at: number,
  { n, m }: NofM,
): void {
  for (let r = 0; r < rows; r++) {
    const byCost = Array.from({ length: m }, (_, i) => i);
    byCost.sort((a, b) => cost[r * m + a]! - cost[r * m + b]! || b - a);
    for (const i of byCost.slice(0, m - n)) mask[r * width + at + i] = 0;
  }
}

async function spread(
  session: Session,
  { w, rows, columns, u }: Part,
  errors: Float32Array,
  from: number,
  to: number,
): Promise<void> {
  const right = columns - to;
  const some = new Float32Array(rows * right);
  for (let r = 0; r < rows; r++) some.set(w.subarray(r * columns + to, (r + 1) * columns), r * right);
  const factor = new Float32Array((to - from) * right);
  for (let c = from; c < to; c++)
    for (let k = to; k < columns; k++) factor[(c - from) * right + k - to] = u[c * columns + k]!;
  const { next } = await session.run({
    w: tensorOf('float32', [rows, right], some),
    e: tensorOf('float32', [rows, to - from], errors),
    u: tensorOf('float32', [to - from, right], factor),
  });
  const values = float32Values(next!);
  for (let r = 0; r < rows; r++) w.set(values.subarray(r * right, (r + 1) * right), r * columns + to);
}
