/** Single weights become zero. The file then compresses better (see pack-sparse-weights for about 8 % more); it gets no
 *  faster on wasm, WebGPU or CPU, whose kernels are dense. For speed, prune channels.
 *    sparsity 0.7 | threshold 0.01 | pattern "2:4" (N of M neighbours along the summed axis stay)
 *    score  magnitude |w| · wanda |w|·rms(x) · sparsegpt: in one shot, the weights that stay make up for what goes
 *    scope  global: one ranking · uniform: the same share of each layer · erk: less of small layers · row: of each output
 *  wanda and sparsegpt need samples; inputs are those of the dense model for every layer. ResNet-20, half of the weights
 *  zero, no training: top-1 81.8 → 45.3 global, 70.3 uniform, 70.5 ERK by magnitude; 71.0 wanda; 79.3 sparsegpt with ERK.
 *  Left alone: biases and scales, embeddings, weights under `minElements`; the first and last layer on request.
 *  Sources: arXiv:1710.01878, arXiv:1911.11134 (ERK), arXiv:2306.11695 (Wanda), arXiv:2301.00774 (SparseGPT),
 *  arXiv:2104.08378 (2:4). */
import { z } from 'zod';
import { filledBy } from '../src/compress/pipeline/option-fields.ts';
import { definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { type SparsityOptions, sparsify, sparsityObstacle } from '../src/compress/prune/unstructured.ts';
import { findWeightLayers, type WeightLayer } from '../src/compress/prune/unstructured-layers.ts';
import { selectNodes } from '../src/compress/quant/name-patterns.ts';
import type { Model } from '../src/model/ir/model.ts';
import { patternInvalid, sparsityTargetMissing } from '../src/support/diagnostics/sparsity.ts';

const options = z.strictObject({
  sparsity: filledBy(z.number().min(0).lt(1).optional(), 'sparsity', (percent) => Number(percent) / 100),
  threshold: z.number().min(0).optional(),
  pattern: filledBy(z.string().optional(), 'nm'),
  score: filledBy(z.enum(['magnitude', 'wanda', 'sparsegpt']).default('magnitude'), 'hasData', (has) =>
    has ? 'sparsegpt' : 'magnitude',
  ),
  /** Default: row by wanda, erk by the others. */
  scope: z.enum(['global', 'uniform', 'erk', 'row']).optional(),
  /** Least share of a layer that stays. */
  leave: z.number().min(0).max(1).default(0.02),
  minElements: z.number().int().min(0).default(512),
  keepFirst: z.boolean().default(false),
  keepLast: z.boolean().default(false),
  /** sparsegpt: added to the diagonal of the second moments, relative to its mean; columns chosen together. */
  damping: z.number().positive().default(0.01),
  block: z.number().int().min(1).default(128),
  /** sparsegpt: layers that sum over more are scored by magnitude; the work grows with the cube. */
  maxColumns: z.number().int().min(1).default(2304),
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
});

type Options = z.infer<typeof options>;

export const pruneWeights = definePass<Options>({
  name: 'prune-weights',
  summary: 'Sets the least important weights to zero: fewer bytes to transfer, but not faster',
  effect: 'lossy',
  stores: { form: 'zeros', of: ['convolutions', 'matrix products', 'recurrent networks'] },
  options,

  requires(_, o) {
    targetOf(o);
  },

  needs: (o) => ({ calibration: o.score !== 'magnitude' }),

  observe(model, o) {
    return chosen(model, o).layers.flatMap((l) => l.moments(o.score === 'wanda') ?? []);
  },

  async apply(model, o, context) {
    const { layers, skipped } = chosen(model, o);
    const { changed, fallbacks } = await sparsify(context.engine, layers, context.statistics, {
      target: targetOf(o),
      score: o.score,
      scope: o.scope ?? defaultScope[o.score],
      leave: o.leave,
      damping: o.damping,
      block: o.block,
    });
    return { changed, skipped: [...skipped, ...fallbacks] };
  },
});

const defaultScope = { magnitude: 'erk', wanda: 'row', sparsegpt: 'erk' } as const;

/** @throws SPARSITY_TARGET_MISSING, SPARSITY_PATTERN */
function targetOf({ sparsity, threshold, pattern }: Options): SparsityOptions['target'] {
  if ([sparsity, threshold, pattern].filter((x) => x !== undefined).length !== 1)
    throw sparsityTargetMissing();
  if (sparsity !== undefined) return { sparsity };
  if (threshold !== undefined) return { threshold };
  const [n, m] = (/^(\d+):(\d+)$/.exec(pattern ?? '') ?? []).slice(1).map(Number);
  if (n === undefined || m === undefined || n < 1 || n >= m || m > 32) throw patternInvalid(pattern ?? '');
  return { pattern: { n, m } };
}

function chosen(model: Model, o: Options): { layers: WeightLayer[]; skipped: Skip[] } {
  const selected = selectNodes(model, o);
  const all = findWeightLayers(model);
  const layers: WeightLayer[] = [];
  const skipped: Skip[] = [];
  all.forEach((layer, i) => {
    const reason =
      sparsityObstacle(layer, { target: targetOf(o), minElements: o.minElements }) ??
      (selected(layer.node) ? null : 'excluded') ??
      (o.keepFirst && i === 0 ? 'first-layer' : null) ??
      (o.keepLast && i === all.length - 1 ? 'last-layer' : null);
    if (reason) skipped.push({ at: layer.name, reason });
    else layers.push(withinReach(layer, o));
  });
  return { layers, skipped };
}

/** The work of sparsegpt grows with the cube of the columns: past the limit there are no moments, so magnitude decides. */
const withinReach = (layer: WeightLayer, o: Options): WeightLayer =>
  o.score === 'sparsegpt' && (layer.layout?.columns ?? 0) > o.maxColumns
    ? { ...layer, moments: () => null }
    : layer;
