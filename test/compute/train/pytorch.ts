/** What PyTorch says of the same losses and optimisers: pytorch.json, made by pytorch.py. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';

export interface PyTorchAnswers {
  readonly losses: Readonly<
    Record<string, { readonly value: number; readonly gradients: Readonly<Record<string, number[]>> }>
  >;
  readonly trajectories: Readonly<
    Record<string, { readonly losses: number[]; readonly weights: readonly number[][] }>
  >;
  readonly normalised: Readonly<Record<'mean' | 'variance' | 'scale' | 'kernel' | 'head', number[]>>;
  readonly schedules: Readonly<Record<string, number[]>>;
}

const script = fileURLToPath(new URL('pytorch.py', import.meta.url));

export const answers = JSON.parse(
  readFileSync(fileURLToPath(new URL('pytorch.json', import.meta.url)), 'utf8'),
) as PyTorchAnswers;

export const askAgain = (): PyTorchAnswers =>
  JSON.parse(execFileSync('python3', [script]).toString()) as PyTorchAnswers;

export function hasTorch(): boolean {
  try {
    execFileSync('python3', ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The numbers of wave() in pytorch.py. */
export const wave = (seed: number, dims: readonly number[], factor = 1): Tensor =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from(
      { length: elementCount(dims) },
      (_, i) => factor * Math.fround(Math.sin(1 + 0.7 * i + 1.3 * seed)),
    ),
  );

/** Largest difference as a share of the largest expected number. */
export function distance(got: Tensor | undefined, expected: readonly number[]): number {
  const values = got ? float32Values(got) : new Float32Array();
  if (values.length !== expected.length) return Number.POSITIVE_INFINITY;
  const largest = Math.max(1e-6, ...expected.map(Math.abs));
  return Math.max(...expected.map((v, i) => Math.abs(v - (values[i] as number)))) / largest;
}
