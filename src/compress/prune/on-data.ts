/** Structured pruning with samples at hand: bit by bit, the units ranked before every bit by the error that is left once their
 *  readers are fitted again, and the readers fitted after it. No labels, no training. */

import type { Samples } from '../../compute/calibrate/run-samples.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import type { Watchable } from '../../compute/engine/run-context.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import type { Model } from '../../model/ir/model.ts';
import type { PruneTarget } from './choose.ts';
import {
  joinResults,
  type PruneContext,
  type PruneOptions,
  type PruneResult,
  planPruning,
  pruneModel,
  targetAt,
} from './prune.ts';
import { type Reconstructed, reconstruct } from './reconstruct.ts';
import { scoreReconstruction } from './reconstruction-scores.ts';

export interface PruneOnDataOptions extends Omit<PruneOptions, 'importance' | 'steps' | 'ratio'>, Watchable {
  readonly target: PruneTarget;
  /** Largest share of the dense model that goes at a time. Default 0.25. */
  readonly bit?: number;
}

export interface PrunedOnData {
  readonly model: Model;
  readonly result: PruneResult;
  readonly fit: Reconstructed;
}

/** The given model stays as it is. @param samples  to rank by, and to fit to
 *  @throws PRUNE_TARGET_UNREACHABLE, PRUNE_NEEDS_INPUT, CALIBRATION_NOT_FINITE, ENGINE_OPEN, ENGINE_RUN */
export async function pruneOnData(
  engine: Engine,
  dense: Model,
  samples: { readonly rank: Samples; readonly fit: Samples },
  options: PruneOnDataOptions,
  context: PruneContext = {},
): Promise<PrunedOnData> {
  const { signal, onProgress } = options;
  const model = cloneModel(dense);
  // Out of reach is said before anything is measured.
  let result: PruneResult = {
    ...planPruning(model, { ...options, importance: 'l2' }, context).result,
    removed: [],
    outputs: new Map(),
  };
  let fit: Reconstructed = { fitted: 0, skipped: [] };
  const least = Math.min(...Object.values(options.target).filter((share) => share !== undefined));
  const bits = Math.max(1, Math.ceil((1 - least) / (options.bit ?? 0.25) - 1e-9));
  for (let bit = 1; bit <= bits; bit++) {
    const progress = (from: number) => (done: number, total: number) =>
      onProgress?.(2 * total * (bit - 1) + from * total + done, 2 * total * bits);
    const goal = { ...options, target: targetAt(options.target, bit / bits) };
    const plan = planPruning(model, { ...goal, importance: 'l2', bestEffort: true }, context);
    if (plan.removed.size === 0) continue;
    const errors = await scoreReconstruction(engine, model, plan.groups, samples.rank, {
      leave: options.leave,
      shrinkNorms: options.shrinkNorms,
      signal,
      onProgress: progress(0),
    });
    const now = pruneModel(model, { ...goal, importance: 'reconstruction' }, { ...context, errors });
    result = result.removed.length > 0 ? joinResults(result, now) : now;
    const pair = { dense, pruned: model, outputs: result.outputs };
    fit = await reconstruct(engine, pair, samples.fit, { signal, onProgress: progress(1) });
  }
  return { model, result, fit };
}
