/** Rows that are picked thousands of times: every one must count, however many threads add. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';
import { buildCase, gradientsOf } from './check-gradient.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

describe('Gather', () => {
  it.each([
    ['small', 20],
    ['larger', 300],
  ])('adds up what each row of a %s table got', async (_, rows) => {
    const [picks, width] = [4096, 32];
    const random = createRandom(3);
    const index = Array.from({ length: picks }, () => Math.floor(Math.abs(random.normal()) * 1000) % rows);
    const c = {
      name: 'Gather',
      inputs: [
        tensorOf('float32', [rows, width], new Float32Array(rows * width)),
        tensorOf('int64', [picks], index),
      ],
      build: (e, table, i) => e.op('Gather', [table, i]),
    } satisfies Parameters<typeof buildCase>[0];
    const weights = float32Values(buildCase(c, false).weights[0] as Tensor);
    const expected = new Float64Array(rows * width);
    index.forEach((row, i) => {
      for (let k = 0; k < width; k++)
        expected[row * width + k] =
          (expected[row * width + k] as number) + (weights[i * width + k] as number);
    });
    const ours = float32Values((await gradientsOf(engine, c))['x0'] as Tensor);
    const error = Math.max(...ours.map((v, i) => Math.abs(v - (expected[i] as number))));
    // Sums of up to some hundred numbers of about 1 in float32; a lost row would cost about 1.
    expect(error).toBeLessThan(1e-3);
  });
});
