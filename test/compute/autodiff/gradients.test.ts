/** Every gradient rule against central differences of the runtime's own forward pass, and against PyTorch's autograd
 *  where it is installed. */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';
import { activationCases } from './cases/activations.ts';
import { arithmeticCases } from './cases/arithmetic.ts';
import { attentionCases } from './cases/attention.ts';
import { convolutionCases } from './cases/convolution.ts';
import { fusedCases } from './cases/fused.ts';
import { indexingCases } from './cases/indexing.ts';
import { matrixCases } from './cases/matrix.ts';
import { movementCases } from './cases/movement.ts';
import { normalizationCases } from './cases/normalization.ts';
import { poolingCases } from './cases/pooling.ts';
import { quantizationCases } from './cases/quantization.ts';
import { recurrentCases } from './cases/recurrent.ts';
import { reductionCases } from './cases/reduction.ts';
import { resizeCases } from './cases/resize.ts';
import { softmaxCases } from './cases/softmax.ts';
import { buildCase, compareWithDifferences, type GradientCase, gradientsOf } from './check-gradient.ts';

const cases: readonly GradientCase[] = [
  ...arithmeticCases,
  ...activationCases,
  ...reductionCases,
  ...resizeCases,
  ...quantizationCases,
  ...indexingCases,
  ...movementCases,
  ...convolutionCases,
  ...poolingCases,
  ...recurrentCases,
  ...matrixCases,
  ...normalizationCases,
  ...attentionCases,
  ...fusedCases,
  ...softmaxCases,
];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

describe('gradients against central differences', () => {
  it.each(cases.filter((c) => !c.rounds).map((c) => [c.name, c] as const))('%s', async (_, c) => {
    for (const { input, error, largest } of await compareWithDifferences(engine, c)) {
      expect(largest, `${input} does not move the loss: the case shows nothing`).toBeGreaterThan(0);
      expect(error, `derivative by ${input}`).toBeLessThan(c.tolerance ?? 2e-3);
    }
  });
});

const python = `
import json, sys, torch
import torch.nn as nn
import torch.nn.functional as F
out = []
def derivatives(case):
    env = {'torch': torch, 'nn': nn, 'F': F}
    leaves = {}
    for name, t in case['inputs'].items():
        x = torch.tensor(t['values'], dtype=getattr(torch, t['dtype'])).reshape(t['dims'])
        if name in case['wrt']:
            x.requires_grad_(True); leaves[name] = x
        env[name] = x
    y = eval(case['torch'], env)
    ys = y if isinstance(y, (tuple, list)) else [y]
    ws = [torch.tensor(w['values']).reshape(w['dims']) for w in case['weights']]
    shapes = [list(v.shape) for v in ys], [list(w.shape) for w in ws]
    assert shapes[0] == shapes[1], f'PyTorch has {shapes[0]}, ours is {shapes[1]}'
    sum((v * w).sum() for v, w in zip(ys, ws)).backward()
    return {k: v.grad.flatten().tolist() for k, v in leaves.items()}
for case in json.load(sys.stdin):
    try:
        out.append(derivatives(case))
    except Exception as e:
        out.append({'error': repr(e)})
json.dump(out, sys.stdout)
`;

function hasTorch(): boolean {
  try {
    execFileSync('python3', ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const plain = (t: Tensor) => ({ dtype: t.dtype, dims: t.dims, values: Array.from(numbers(t)) });

describe.skipIf(!hasTorch())('gradients against PyTorch (skipped where it is not installed)', () => {
  const named = cases.filter((c) => c.torch);
  let answers: Record<string, number[]>[] = [];
  beforeAll(() => {
    const questions = named.map((c) => {
      const { feeds, wrt, weights } = buildCase(c, false);
      return {
        torch: c.torch,
        wrt,
        inputs: Object.fromEntries(Object.entries(feeds).map(([k, t]) => [k, plain(t)])),
        weights: weights.map(plain),
      };
    });
    // One process for all: starting PyTorch takes seconds.
    const input = JSON.stringify(questions);
    const answer = execFileSync('python3', ['-c', python], { input, maxBuffer: 1 << 28 });
    answers = JSON.parse(answer.toString());
  }, 60_000);

  it.each(named.map((c, i) => [c.name, c, i] as const))('%s', async (_, c, i) => {
    const theirs = answers[i] ?? {};
    expect(theirs['error'], 'PyTorch refused its form').toBeUndefined();
    const ours = await gradientsOf(engine, c);
    for (const [input, expected] of Object.entries(theirs)) {
      const got = numbers(ours[input] as Tensor);
      const largest = Math.max(...expected.map(Math.abs), 1e-6);
      const error = Math.max(...expected.map((v, j) => Math.abs(v - Number(got[j])))) / largest;
      // float32 on both sides, sums in another order.
      expect(error, `derivative by ${input}`).toBeLessThan(1e-4);
    }
  });
});
