/** Which classes were taken for which, by both models: as the report has it, and what of it is worth showing. */
import { z } from 'zod';
import type { ClassificationResult } from '../evaluate/classification.ts';

const pairSchema = z.object({
  /** Index of the label. */
  truth: z.number(),
  /** Index of the class that was answered. */
  predicted: z.number(),
  /** Samples, by the original. */
  before: z.number(),
  /** Samples, by the result. */
  after: z.number(),
});

export const confusionSchema = z.object({
  /** Those that are a label or an answer somewhere, in the order of their indices. */
  classes: z.array(z.object({ index: z.number(), name: z.string(), samples: z.number() })),
  /** Every pair that either model made, right answers among them, in order of truth, then prediction. */
  pairs: z.array(pairSchema),
});

export type Confusion = z.infer<typeof confusionSchema>;
export type ConfusionPair = z.infer<typeof pairSchema>;

type Result = Pick<ClassificationResult, 'perClass' | 'confusion'>;

/** @param nameOf  of a class, by index */
export function confusionOf(before: Result, after: Result, nameOf: (index: number) => string): Confusion {
  const samples = new Map<number, number>();
  for (const { label, support } of [...before.perClass, ...after.perClass]) samples.set(label, support);
  const pairs = new Map<string, ConfusionPair>();
  const count = (which: 'before' | 'after', { confusion }: Result) => {
    for (const { truth, predicted, count: n } of confusion) {
      const key = `${truth} ${predicted}`;
      pairs.set(key, { ...(pairs.get(key) ?? { truth, predicted, before: 0, after: 0 }), [which]: n });
    }
  };
  count('before', before);
  count('after', after);
  return {
    classes: [...samples]
      .sort(([a], [b]) => a - b)
      .map(([index, n]) => ({ index, name: nameOf(index), samples: n })),
    pairs: [...pairs.values()].sort((a, b) => a.truth - b.truth || a.predicted - b.predicted),
  };
}

/** Pairs of different classes, those first that the result confuses most often, then the original. What both confuse a single time says
 *  nothing of a class. */
export const mostConfused = ({ pairs }: Confusion, most: number): ConfusionPair[] =>
  pairs
    .filter((p) => p.truth !== p.predicted && (p.before !== p.after || p.after > 1))
    .sort((a, b) => b.after - a.after || b.before - a.before)
    .slice(0, most);
