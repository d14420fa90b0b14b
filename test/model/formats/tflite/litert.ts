/** LiteRT itself (Python's ai-edge-litert), for comparison. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DType } from '../../../../src/model/ir/dtype.ts';
import { denseTensor, type Tensor } from '../../../../src/model/ir/tensor.ts';

const hasLitert =
  spawnSync('python3', ['-c', 'import ai_edge_litert, numpy'], { stdio: 'ignore' }).status === 0;

/** Why tests against it are skipped; null where they run. */
export const litertMissing: string | null = hasLitert
  ? null
  : 'ai-edge-litert is not installed (pip install ai-edge-litert)';

export interface LitertJob {
  readonly model: Uint8Array;
  /** In the order of the model's inputs. */
  readonly inputs: readonly Tensor[];
  /** Of runs behind the first. */
  readonly further?: readonly (readonly Tensor[])[];
  /** Through XNNPACK, as applications do; by the plain kernels otherwise. */
  readonly delegate?: boolean;
}

/** Outputs in the order of the model's, run after run, or why it doesn't run. */
export type LitertResult = readonly Tensor[] | { readonly error: string };

/** One process for all jobs. */
export function runLitert(jobs: readonly LitertJob[]): LitertResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'litert-'));
  const file = (name: string, content: Uint8Array | string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  try {
    const list = jobs.map(({ model, inputs, further = [], delegate = false }, i) => ({
      model: file(`${i}.tflite`, model),
      delegate,
      runs: [inputs, ...further].map((run, n) =>
        run.map((t, k) => ({ file: file(`${i}-${n}-${k}`, t.bytes()), dims: t.dims })),
      ),
    }));
    const [given, results] = [file('jobs.json', JSON.stringify(list)), join(folder, 'results.json')];
    const script = new URL('./run-litert.py', import.meta.url).pathname;
    execFileSync('python3', [script, given, results], { stdio: ['ignore', 'ignore', 'pipe'] });
    return (JSON.parse(readFileSync(results, 'utf8')) as Result[]).map(resultOf);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Result {
  readonly error?: string;
  readonly outputs?: readonly { readonly dims: number[]; readonly dtype: DType; readonly file: string }[];
}

const resultOf = ({ error = '', outputs }: Result): LitertResult =>
  outputs?.map(({ dims, dtype, file }) => denseTensor(dtype, dims, readFileSync(file))) ?? { error };
