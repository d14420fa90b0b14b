import { describe, expect, it } from 'vitest';
import { openMeter } from '../../../src/judge/task/measures-of.ts';
import type { Port } from '../../../src/model/ir/port.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

const port = (name: string): Port => ({ name, dtype: 'int64', shape: ['N', 'T'] });
const logits = (rows: readonly (readonly number[])[]) =>
  tensorOf('float32', [1, rows.length, rows[0]!.length], rows.flat().map(Math.log));
const ids = (values: readonly number[]) => tensorOf('int64', [1, values.length], values.map(BigInt));

/** Shares of three tokens at each place. */
function judged(
  before: readonly (readonly number[])[],
  after: readonly (readonly number[])[],
  inputs: Readonly<Record<string, ReturnType<typeof ids>>>,
) {
  const outputs = [{ name: 'y', role: 'logits' as const }];
  const task = { name: 'language-model', by: 'outputs', evidence: '', outputs } as const;
  const meter = openMeter({ task, inputs: Object.keys(inputs).map(port), outputs: [] })!;
  meter.add({ y: logits(before) }, { y: logits(after) }, { inputs });
  return Object.fromEntries(meter.result().map(({ id, value }) => [id, value!]));
}

const before = [
  [0.5, 0.25, 0.25],
  [0.2, 0.2, 0.6],
  [0.1, 0.8, 0.1],
];
const after = [
  [0.25, 0.5, 0.25],
  [0.2, 0.2, 0.6],
  [0.1, 0.8, 0.1],
];
const texts = { input_ids: ids([1, 0, 2]) };

describe('of what comes next', () => {
  it('counts places with the same token, and adds up how far distributions are apart', () => {
    const found = judged(before, after, texts);
    expect(found['same-next-token']).toBeCloseTo(2 / 3, 12);
    // 0.5·log 2 − 0.25·log 2 at the first of three places.
    expect(found['divergence']).toBeCloseTo((0.25 * Math.LN2) / 3, 6);
  });

  it('leaves padding out', () => {
    const mask = ids([1, 1, 0]);
    const found = judged(before, after, { ...texts, attention_mask: mask });
    expect(found['same-next-token']).toBe(0.5);
  });
});
