import { expect, it } from 'vitest';
import { labelsUnfit } from '../../../src/judge/report/labels-fit.ts';
import type { Report } from '../../../src/judge/report/report.ts';

const of = (before: number) =>
  labelsUnfit({
    evaluation: {
      samples: 4,
      metrics: [
        { name: 'mAP@0.5', before, after: 0, unit: 'fraction', higherIsBetter: true, interval: null },
      ],
    } as unknown as Report['evaluation'],
  });

it('says that labels do not fit where the original has nothing right, and nothing otherwise', () => {
  expect(of(0)).toHaveLength(1);
  expect(of(0.1)).toEqual([]);
  expect(labelsUnfit({ evaluation: null })).toEqual([]);
});
