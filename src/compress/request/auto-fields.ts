/** Fields of a search for the best result: what it may cost, what is wanted of it, and how long it may take. */
import { z } from 'zod';
import { amount } from '../../support/amount.ts';
import { duration } from '../../support/duration.ts';
import { field, wholeNumber } from '../../support/field.ts';

/** What a search makes as small as budgets allow. First visit: model and runtime as a page downloads them. */
export const minimised = ['size', 'latency', 'first-visit'] as const;
export type Minimised = (typeof minimised)[number];

/** Minutes that a search takes at most where nobody says it. */
const usualMinutes = 10;

const auto = field.bind(null, 'Auto');

export const autoFields = {
  auto: z
    .boolean()
    .default(false)
    .meta(
      auto('--auto', 'try precisions, channels and training, and keep the best within the budgets', {
        conflicts: [
          ...['int8', 'fp16', 'q4', 'recipe', 'prune', 'macs', 'latency', 'sparsity', 'nm', 'lowRank'],
          ...['cluster', 'distill', 'finetune', 'qat'],
        ],
      }),
    ),
  minimise: z
    .enum(minimised)
    .default('size')
    .meta(
      auto('--minimise <what>', 'size, latency, or first-visit: bytes of model and runtime in a page', {
        needs: 'auto',
      }),
    ),
  maxSize: amount(['bytes', 'share'], 'A size or a percentage was expected, as 4MB or 50%.')
    .optional()
    .meta(
      auto('--max-size <size>', "of the model's files, as 4MB; or 30% of the original", { needs: 'auto' }),
    ),
  maxLatency: amount(['ms', 'share'], 'A time or a percentage was expected, as 20ms or 80%.')
    .optional()
    .meta(
      auto('--max-latency <time>', "median on this machine, as 20ms; or 80% of the original's", {
        fallback: 'no slower than the original, where size is minimised',
        needs: 'auto',
      }),
    ),
  time: duration('A length of time was expected, as 90s, 10m or 1h.')
    .default(usualMinutes * 60e3)
    .meta(
      auto('--time <length>', 'of the search, as 90s, 10m or 1h; the same command goes on where it ended', {
        fallback: `${usualMinutes}m`,
        needs: 'auto',
      }),
    ),
  choose: wholeNumber.default(0).meta(
    auto('--choose <n>', 'samples set aside, as those that a search chooses by', {
      fallback: '0; a search takes as many as it compares on',
      needs: 'data',
      isHidden: true,
    }),
  ),
  compareChosen: z
    .boolean()
    .default(false)
    .meta(
      auto('--compare-chosen', 'compare on those samples, not on the ones held back', {
        needs: 'data',
        isHidden: true,
      }),
    ),
};
