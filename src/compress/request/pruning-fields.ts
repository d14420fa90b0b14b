/** Fields about what is removed before the model is quantised. */
import { z } from 'zod';
import { field, percentage, positive, share } from '../../support/field.ts';

const pruning = field.bind(null, 'Pruning');

export const pruningFields = {
  prune: percentage
    .optional()
    .meta(pruning('--prune <percent>', 'remove this share of the parameters, as channels')),
  macs: share.optional().meta(pruning('--macs <share>', 'leave this share of the arithmetic, as 0.5')),
  latency: share
    .optional()
    .meta(pruning('--latency <share>', 'leave this share of the time, by measured layers')),
  importance: z
    .enum(['reconstruction', 'l2', 'l1', 'batchnorm', 'taylor', 'activation'])
    .optional()
    .meta(
      pruning('--importance <by>', 'what a channel is judged by', {
        fallback: 'reconstruction on data, or on made-up inputs; l2 without either',
        needs: 'channels',
      }),
    ),
  reconstruct: z
    .boolean()
    .default(true)
    .meta(
      pruning('--no-reconstruct', 'do not fit what is left to the original', {
        needs: 'channels',
      }),
    ),
  rounds: positive
    .default(1)
    .meta(
      pruning('--rounds <n>', 'prune bit by bit, training between', { needs: ['trainingStep', 'zeros'] }),
    ),
  sparsity: percentage.optional().meta(
    pruning('--sparsity <percent>', 'set this share of the weights to zero: smaller, not faster', {
      conflicts: ['nm'],
    }),
  ),
  nm: z
    .string()
    .regex(/^\d+:\d+$/, 'Expected N:M with N below M, as 2:4.')
    .refine(isPattern, 'Expected N:M with N below M, as 2:4.')
    .optional()
    .meta(pruning('--nm <N:M>', 'N of every M weights stay, as 2:4')),
  lowRank: share
    .optional()
    .meta(pruning('--low-rank <share>', 'products as two thin ones, leaving this share of them')),
  cluster: positive.optional().meta(
    pruning('--cluster <k>', 'k shared values a weight, as 16, instead of int8', {
      conflicts: ['int8', 'fp16', 'q4', 'recipe'],
    }),
  ),
};

function isPattern(text: string): boolean {
  const [n = 0, m = 0] = text.split(':').map(Number);
  return n >= 1 && n < m;
}
