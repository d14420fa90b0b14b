/** Whether labels have anything to do with what the original answers. */
import type { Report } from './report.ts';

/** A quality of nothing at all can't fall, and was called one that stays. */
export function labelsUnfit({ evaluation }: Pick<Report, 'evaluation'>): string[] {
  const [metric] = evaluation?.metrics ?? [];
  if (metric?.unit !== 'fraction' || metric.before !== 0 || !metric.higherIsBetter) return [];
  return [
    `${metric.name} of the original is 0: labels, their classes or the preprocessing don't fit this model.`,
  ];
}
