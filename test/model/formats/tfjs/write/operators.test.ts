/** What TensorFlow.js computes on wasm of each operator that is written, against onnxruntime on the model. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { largestDifference, runModel } from '../../../../run-model.ts';
import { openExactEngine } from '../../../../saturating-sums.ts';
import { modelOf, operatorCases } from './cases.ts';
import { runWritten, useBackend } from './run-written.ts';

let engine: Engine;
beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  engine = await openExactEngine();
  await useBackend('wasm');
});

describe.each(Object.entries(operatorCases))('%s', (_, rows) => {
  it.each(rows)('$op: $name', async (row) => {
    const model = modelOf(row);
    const expected = await runModel(engine, model, { x: row.x });
    const received = await runWritten(model, { x: row.x });
    for (const [name, tensor] of Object.entries(expected)) {
      const { difference, magnitude } = largestDifference(tensor, received[name]!);
      // Sums in another order.
      expect(difference).toBeLessThanOrEqual(2e-5 * Math.max(1, magnitude));
    }
  });
});
