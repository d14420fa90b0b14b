/** What LiteRT computes of each operator that is written, against onnxruntime on the model. */
import { beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { hasLitert, litertTitle, runTfliteAll } from '../../../../litert.ts';
import { runModel } from '../../../../run-model.ts';
import { type Case, modelOf, operatorCases } from '../../tfjs/write/cases.ts';
import { caseOf, errorOf } from './run-written.ts';

/** Operators of integers are refused. */
const groups = Object.entries(operatorCases).filter(([name]) => !/integer/i.test(name));
const all = groups.flatMap(([, rows]) => rows);

describe.skipIf(!hasLitert)(`each operator ${litertTitle}`, () => {
  const answers = new Map<Case, ReturnType<typeof runTfliteAll>[number]>();
  beforeAll(() => {
    const made = runTfliteAll(all.map((row) => caseOf(modelOf(row), { x: row.x })));
    all.forEach((row, i) => void answers.set(row, made[i]!));
  }, 120_000);

  describe.each(groups)('%s', (_, rows) => {
    it.each(rows)('$op: $name', async (row) => {
      const expected = await runModel(await openEngine('node'), modelOf(row), { x: row.x });
      // Sums in another order, and LiteRT's own exponentials.
      expect(errorOf(expected, answers.get(row)!, 1)).toBeLessThanOrEqual(2e-5);
    });
  });
});
