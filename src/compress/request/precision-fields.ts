/** Fields about the precision of the result. */
import { z } from 'zod';
import { field } from '../../support/field.ts';
import { rangeMethods } from '../../support/range-methods.ts';

const precision = field.bind(null, 'Precision');
const patternsError = 'An array of names or patterns, each a text, was expected.';
const patterns = z.array(z.string(patternsError), patternsError).optional();

/** How int8 is asked for. 'auto': static with data; without, dynamic where a probe says that it holds, else weights. */
const int8Modes = ['auto', 'static', 'dynamic', 'weights'] as const;

export const presetFields = {
  int8: z
    .union([z.boolean(), z.enum(int8Modes)])
    .optional()
    .meta(
      precision(
        '--int8 [mode]',
        'static (default with --data), dynamic (default without, where answers stay) or weights (computation stays in float)',
      ),
    ),
  fp16: z
    .boolean()
    .optional()
    .meta(precision('--fp16', 'weights and computation in float16; for WebGPU', { conflicts: ['int8'] })),
  q4: z
    .boolean()
    .optional()
    .meta(precision('--q4', 'products in 4 bits; with --fp16 the rest in float16', { conflicts: ['int8'] })),
};

export const precisionFields = {
  ...presetFields,
  include: patterns.meta(
    precision('--include <pattern>', 'only these op types or names, as text, glob or /regex/; repeatable', {
      needs: 'precision',
    }),
  ),
  exclude: patterns.meta(
    precision('--exclude <pattern>', 'leave these in float; repeatable', { needs: 'precisionOrPruning' }),
  ),
  perTensor: z
    .boolean()
    .optional()
    .meta(precision('--per-tensor', 'one scale a weight, not one a channel', { needs: 'int8' })),
  symmetric: z
    .boolean()
    .optional()
    .meta(precision('--symmetric', 'activation ranges with zero in the middle', { needs: 'static' })),
  ranges: z
    .enum(['auto', ...rangeMethods])
    .default('auto')
    .meta(
      precision(
        '--ranges <how>',
        'activation ranges: auto (the best of these at the outputs), mse or absolute (least error, by sample or in all), average or minmax (all values)',
        { needs: 'static' },
      ),
    ),
  weightBits: z
    .literal([4, 8], 'Allowed choices are 4, 8.')
    .optional()
    .meta(
      precision('--weight-bits <n>', '4: sixteen levels a channel, half the file, int8 kernels', {
        needs: 'static',
      }),
    ),
  everywhere: z
    .boolean()
    .optional()
    .meta(precision('--everywhere', 'int8 kernels also where float is faster', { needs: 'static' })),
  recipe: z
    .union([z.string(), z.looseObject({ edgepress: z.literal(1) })], {
      error: 'The path of a recipe, or a recipe, was expected.',
    })
    .optional()
    .meta(
      precision('--recipe <file>', 'run these passes; compress recipe --int8 prints some to start from', {
        conflicts: [
          ...['int8', 'fp16', 'q4', 'include', 'exclude', 'perTensor', 'symmetric', 'ranges', 'everywhere'],
          ...['weightBits', 'target', 'seed', 'calibrate'],
        ],
        isPath: true,
      }),
    ),
};
