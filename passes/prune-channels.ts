/** Removes the least important channels, attention heads and hidden units, physically: weights are cut, shapes and
 *  attributes rewritten, the model stays an ordinary one.
 *    target { macs: 0.5 }  what stays, as a share of the dense model (of the first one, when pruned in steps)
 *    ratio 0.3             instead: the share of units that goes
 *  What must go together is found from the graph (src/model/ops/channels.ts). Left alone, with the reason: inputs and outputs of
 *  the model, axes that are normalised over (a transformer's residual stream), what no rule follows.
 *  Importance by gradients or activations, and latency targets, need more than a pass is given: see pruneModel.
 *  Source: Fang et al. 2023, arXiv:2301.12900 (dependency groups); Li et al. 2017, arXiv:1608.08710 (magnitude). */
import { z } from 'zod';
import { definePass } from '../src/compress/pipeline/pass.ts';
import { pruneModel } from '../src/compress/prune/prune.ts';
import { pruneTargetMissing } from '../src/support/diagnostics/pruning.ts';

const share = z.number().gt(0).max(1);

const options = z.strictObject({
  target: z.strictObject({ macs: share.optional(), parameters: share.optional() }).optional(),
  ratio: z.number().min(0).lt(1).optional(),
  importance: z.enum(['l1', 'l2', 'batchnorm']).default('l2'),
  scope: z.enum(['global', 'uniform']).default('global'),
  round: z.number().int().min(1).default(8),
  steps: z.number().int().min(1).max(100).default(1),
  leave: z.number().min(0).max(1).default(0.1),
  exclude: z.array(z.string()).default([]),
  what: z.array(z.enum(['channels', 'heads', 'hidden'])).default(['channels', 'heads', 'hidden']),
  /** Prune as far as possible when the target is out of reach, instead of refusing. */
  bestEffort: z.boolean().default(false),
});

type Options = z.infer<typeof options>;

export const pruneChannels = definePass<Options>({
  name: 'prune-channels',
  summary: 'Removes the least important channels, heads and hidden units: smaller weights, fewer MACs',
  effect: 'lossy',
  options,

  requires(_, o) {
    if (o.ratio === undefined && o.target?.macs === undefined && o.target?.parameters === undefined)
      throw pruneTargetMissing();
  },

  apply(model, o) {
    const { removed, skipped } = pruneModel(model, o);
    return { changed: removed.reduce((n, r) => n + r.from - r.to, 0), skipped };
  },
});
