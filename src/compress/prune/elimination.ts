/** In which order units of a group go so that what reads them can be fitted best to what it answered: greedy elimination with
 *  the exact least-squares error of every step (the optimal brain surgeon, in blocks of columns).
 *    ΔE(u) = tr(W_u·(H⁻¹_uu)⁻¹·W_uᵀ);  then  W ← W − W_u·(H⁻¹_uu)⁻¹·H⁻¹_u:,  H⁻¹ ← H⁻¹ − H⁻¹_:u·(H⁻¹_uu)⁻¹·H⁻¹_u:
 *  Source: Hassibi & Stork 1993; Kurtic, Frantar & Alistarh 2023, arXiv:2302.04089 (structures). */
import { choleskyInverse } from './least-squares.ts';

/** A layer that reads the units. */
export interface Reading {
  /** W, [rows, columns]; overwritten. */
  readonly weights: Float64Array;
  /** Mean of x·xᵀ, [columns, columns], with nothing added. */
  readonly moments: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** Added to the diagonal of the moments, relative to its mean. */
  readonly damping: number;
  /** Columns of each unit. */
  readonly units: readonly (readonly number[])[];
}

export interface Elimination {
  /** Units in the order in which they go. */
  readonly order: readonly number[];
  /** Error after each has gone, relative to the energy of the answers; summed over readings. */
  readonly errors: readonly number[];
}

/** @param most  units that go at most */
export function eliminate(readings: readonly Reading[], units: number, most: number): Elimination {
  const states = readings.map(stateOf);
  const left = new Set(Array.from({ length: units }, (_, u) => u));
  const order: number[] = [];
  const errors: number[] = [];
  let error = 0;
  while (order.length < most) {
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (const u of left) {
      const cost = states.reduce((sum, s) => sum + s.cost(u), 0);
      if (cost < least) [best, least] = [u, cost];
    }
    if (best < 0) break;
    for (const s of states) s.remove(best);
    left.delete(best);
    error += least;
    order.push(best);
    errors.push(error);
  }
  return { order, errors };
}

interface State {
  cost(unit: number): number;
  remove(unit: number): void;
}

function stateOf({ weights: w, moments, rows, columns: n, units, damping }: Reading): State {
  const energy = Math.max(energyOf(w, moments, rows, n), 1e-30);
  const inverse = moments.slice();
  let trace = 0;
  for (let i = 0; i < n; i++) trace += inverse[i * n + i]!;
  for (let i = 0; i < n; i++) inverse[i * n + i]! += trace > 0 ? (damping * trace) / n : 1;
  choleskyInverse(inverse, n);
  const block = (unit: number) => {
    const at = units[unit]!;
    const m = Float64Array.from({ length: at.length ** 2 }, (_, k) => {
      return inverse[at[Math.floor(k / at.length)]! * n + at[k % at.length]!]!;
    });
    choleskyInverse(m, at.length);
    return m;
  };
  return {
    cost(unit) {
      const at = units[unit]!;
      const m = block(unit);
      let sum = 0;
      for (let r = 0; r < rows; r++)
        for (let a = 0; a < at.length; a++) {
          const left = w[r * n + at[a]!]!;
          for (let b = 0; b < at.length; b++) sum += left * m[a * at.length + b]! * w[r * n + at[b]!]!;
        }
      return sum / energy;
    },
    remove(unit) {
      const at = units[unit]!;
      const m = block(unit);
      // (H⁻¹_uu)⁻¹·H⁻¹_u:
      const spread = new Float64Array(at.length * n);
      for (let a = 0; a < at.length; a++)
        for (let b = 0; b < at.length; b++) {
          const factor = m[a * at.length + b]!;
          for (let j = 0; j < n; j++) spread[a * n + j]! += factor * inverse[at[b]! * n + j]!;
        }
      subtract(w, rows, n, at, spread);
      subtract(inverse, n, n, at, spread);
    },
  };
}

/** A ← A − A[:, at]·S; the columns `at` become zero. */
function subtract(a: Float64Array, rows: number, n: number, at: readonly number[], s: Float64Array): void {
  const own = new Float64Array(at.length);
  for (let r = 0; r < rows; r++) {
    const row = a.subarray(r * n, (r + 1) * n);
    at.forEach((column, k) => {
      own[k] = row[column]!;
    });
    for (let k = 0; k < at.length; k++) {
      const factor = own[k]!;
      if (factor === 0) continue;
      const line = s.subarray(k * n, (k + 1) * n);
      for (let j = 0; j < n; j++) row[j]! -= factor * line[j]!;
    }
    for (const column of at) row[column] = 0;
  }
}

/** tr(W·H·Wᵀ) */
function energyOf(w: Float64Array, h: Float64Array, rows: number, n: number): number {
  let energy = 0;
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < n; i++) {
      const left = w[r * n + i]!;
      if (left === 0) continue;
      let sum = 0;
      for (let j = 0; j < n; j++) sum += h[i * n + j]! * w[r * n + j]!;
      energy += left * sum;
    }
  return energy;
}
