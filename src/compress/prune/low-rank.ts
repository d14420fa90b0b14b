/** Two thin matrices for one: y = x·W ≈ (x·A)·B, W [k, n], A [k, r], B [r, n], with the least error of the output for inputs
 *  whose second moments are H = mean xᵀx (the identity where there are none).
 *    n ≤ k:  V of WᵀHW = VΛVᵀ;         A = W·V_r,     B = V_rᵀ
 *    k < n:  H = SᵀS, U of SWWᵀSᵀ = UΛUᵀ;  A = S⁻¹·U_r,  B = U_rᵀ·S·W
 *  Eigenvalues left out, relative to all, are the squared relative error of the output.
 *  Source: Eckart & Young 1936; Wang et al. 2024, arXiv:2403.07378 (whitening by Cholesky). */
import type { Engine, Session } from '../../compute/engine/contract.ts';
import { buildKernel, openKernel } from '../../compute/engine/kernel.ts';
import { float32Values, type Tensor, tensorOf, typedArray } from '../../model/ir/tensor.ts';
import { inverseFactor } from './unstructured-compensate.ts';

export interface Factorization {
  /** Of the output's second moments, largest first; as many as the smaller side of W. */
  readonly eigenvalues: Float64Array;
  /** A float32 [k, r] and B float32 [r, n], each pair of column and row equally long. */
  atRank(rank: number): Promise<{ a: Tensor; b: Tensor }>;
}

interface Factorizer {
  /** @param weight  float32 [k, n] @param moments  float32 [k, k], or null
   *  @param shrinkage  how far H moves towards its mean diagonal, 0 … 1: what few rows say about many columns is chance */
  factorize(weight: Tensor, moments: Float32Array | null, shrinkage?: number): Promise<Factorization>;
  close(): Promise<void>;
}

/** Row-major, float64. */
interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export function createFactorizer(engine: Engine): Factorizer {
  let opened: Promise<Session> | null = null;
  const times = async (a: Matrix, b: Matrix): Promise<Matrix> => {
    opened ??= openKernel(engine, productGraph());
    const { product } = await (await opened).run({ a: tensor(a), b: tensor(b) });
    return { rows: a.rows, columns: b.columns, values: typedArray(product!) as Float64Array };
  };
  return {
    async factorize(weight, moments, shrinkage = 1e-3) {
      const [k, n] = weight.dims as [number, number];
      const w: Matrix = { rows: k, columns: n, values: Float64Array.from(float32Values(weight)) };
      const h = moments ? shrunk(Float64Array.from(moments), k, shrinkage) : null;
      const { eigenvalues, left, right } =
        n <= k ? await fromRight(times, w, h) : await fromLeft(times, w, h);
      return {
        eigenvalues,
        atRank: async (rank) => balanced(firstColumns(left, rank), firstRows(right, rank)),
      };
    },
    close: async () => (await opened)?.close(),
  };
}

const productGraph = () =>
  buildKernel((b) => {
    const x = b.input('a', 'float64', ['m', 'k']);
    const y = b.input('b', 'float64', ['k', 'n']);
    b.output('product', b.op('MatMul', [x, y]), 'float64');
  });

type Times = (a: Matrix, b: Matrix) => Promise<Matrix>;
type Bases = { eigenvalues: Float64Array; left: Matrix; right: Matrix };

async function fromRight(times: Times, w: Matrix, h: Matrix | null): Promise<Bases> {
  const gram = await times(transposed(w), h ? await times(h, w) : w);
  const { values, vectors } = await eigen(gram);
  return { eigenvalues: values, left: await times(w, vectors), right: transposed(vectors) };
}

async function fromLeft(times: Times, w: Matrix, h: Matrix | null): Promise<Bases> {
  if (!h) {
    const { values, vectors } = await eigen(await times(w, transposed(w)));
    return { eigenvalues: values, left: vectors, right: await times(transposed(vectors), w) };
  }
  // H = R·Rᵀ with R upper triangular: S = Rᵀ, S⁻¹ = (R⁻¹)ᵀ.
  const factor = { ...h, values: h.values.slice() };
  const inverse = { ...h, values: inverseFactor(factor.values, h.rows, 1e-9) };
  const s = transposed(upper(factor));
  const g = await times(s, w);
  const { values, vectors } = await eigen(await times(g, transposed(g)));
  return {
    eigenvalues: values,
    left: await times(transposed(inverse), vectors),
    right: await times(transposed(vectors), g),
  };
}

/** Null where the inputs were all zero: then nothing is known. */
function shrunk(h: Float64Array, k: number, shrinkage: number): Matrix | null {
  let trace = 0;
  for (let i = 0; i < k; i++) trace += h[i * k + i]!;
  if (!(trace > 0)) return null;
  for (let i = 0; i < h.length; i++) h[i]! *= 1 - shrinkage;
  for (let i = 0; i < k; i++) h[i * k + i]! += (shrinkage * trace) / k;
  return { rows: k, columns: k, values: h };
}

/** Of a symmetric matrix; largest first, vectors in columns. */
async function eigen(m: Matrix): Promise<{ values: Float64Array; vectors: Matrix }> {
  const { EigenvalueDecomposition, Matrix: Dense } = await import('ml-matrix');
  const n = m.rows;
  const rows = Array.from({ length: n }, (_, i) => m.values.subarray(i * n, (i + 1) * n));
  const found = new EigenvalueDecomposition(new Dense(rows), { assumeSymmetric: true });
  const order = Array.from({ length: n }, (_, i) => n - 1 - i);
  const values = Float64Array.from(order, (i) => Math.max(0, found.realEigenvalues[i] as number));
  const vectors = new Float64Array(n * n);
  const source = found.eigenvectorMatrix;
  for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) vectors[r * n + c] = source.get(r, order[c]!);
  return { values, vectors: { rows: n, columns: n, values: vectors } };
}

function transposed(m: Matrix): Matrix {
  const values = new Float64Array(m.values.length);
  for (let r = 0; r < m.rows; r++)
    for (let c = 0; c < m.columns; c++) values[c * m.rows + r] = m.values[r * m.columns + c]!;
  return { rows: m.columns, columns: m.rows, values };
}

function upper(m: Matrix): Matrix {
  const values = m.values.slice();
  for (let r = 1; r < m.rows; r++) values.fill(0, r * m.columns, r * m.columns + r);
  return { ...m, values };
}

function firstColumns(m: Matrix, count: number): Matrix {
  const values = new Float64Array(m.rows * count);
  for (let r = 0; r < m.rows; r++)
    values.set(m.values.subarray(r * m.columns, r * m.columns + count), r * count);
  return { rows: m.rows, columns: count, values };
}

const firstRows = (m: Matrix, count: number): Matrix => ({
  rows: count,
  columns: m.columns,
  values: m.values.slice(0, count * m.columns),
});

/** Columns of A and rows of B equally long, which is what quantising them later wants. */
function balanced(a: Matrix, b: Matrix): { a: Tensor; b: Tensor } {
  for (let i = 0; i < b.rows; i++) {
    let [inA, inB] = [0, 0];
    for (let r = 0; r < a.rows; r++) inA += a.values[r * a.columns + i]! ** 2;
    for (let c = 0; c < b.columns; c++) inB += b.values[i * b.columns + c]! ** 2;
    if (inA === 0 || inB === 0) continue;
    const factor = (inB / inA) ** 0.25;
    for (let r = 0; r < a.rows; r++) a.values[r * a.columns + i]! *= factor;
    for (let c = 0; c < b.columns; c++) b.values[i * b.columns + c]! /= factor;
  }
  return {
    a: tensorOf('float32', [a.rows, a.columns], Float32Array.from(a.values)),
    b: tensorOf('float32', [b.rows, b.columns], Float32Array.from(b.values)),
  };
}

const tensor = (m: Matrix): Tensor => tensorOf('float64', [m.rows, m.columns], m.values);

/** Least rank whose part of the eigenvalues' sum is at least `energy`. */
export function rankAt(eigenvalues: Float64Array, energy: number): number {
  const total = eigenvalues.reduce((a, b) => a + b, 0);
  let sum = 0;
  for (const [i, v] of eigenvalues.entries()) {
    sum += v;
    if (sum >= energy * total * (1 - 1e-12)) return i + 1;
  }
  return eigenvalues.length;
}

/** Relative error of the output at a rank. */
export function errorAt(eigenvalues: Float64Array, rank: number): number {
  const total = eigenvalues.reduce((a, b) => a + b, 0);
  const lost = eigenvalues.subarray(rank).reduce((a, b) => a + b, 0);
  return total > 0 ? Math.sqrt(lost / total) : 0;
}
