/** Passes that may work in more than one way, or that may do more harm than good: tried on copies of the model, and judged by how near its
 *  outputs stay to what they were before anything lossy was done to it. */
import type { Nearness } from '../../compute/calibrate/nearness.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import type { Model } from '../../model/ir/model.ts';
import { verifyModel } from '../../model/ir/verify.ts';
import { passBroke } from '../../support/diagnostics/passes.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import type { Pass, PassContext, PassResult } from './pass.ts';
import type { ResolvedStep } from './recipe.ts';

/** What was tried of a pass. */
export interface Trial {
  readonly pass: string;
  /** Name of the candidate that was taken. */
  readonly taken: string;
  readonly candidates: readonly { readonly name: string; readonly sqnrDb: number | null }[];
  /** How many it was measured on: samples that calibrated. */
  readonly samples: number;
}

interface Tried {
  /** The model that goes on: a copy, or the one given where nothing came of it. */
  readonly model: Model;
  readonly result: PassResult;
  /** null: there was nothing to choose. */
  readonly trial: Trial | null;
}

/** Names of what a repair is measured against. */
const [without, repaired] = ['without', 'repaired'];

/** Applies a pass to a model, or, where there is something to choose, to copies of it.
 *  @param measure  how near a model's outputs are to what they should be; null where nothing is lossy so far, or there are no samples */
export async function applyTried(
  model: Model,
  { pass, options }: ResolvedStep,
  context: PassContext,
  measure: ((model: Model) => Promise<Nearness>) | null,
): Promise<Tried> {
  if ((pass.repairs && !measure) || pass.prepares?.(options))
    return {
      model,
      result: { changed: 0, skipped: [{ at: pass.name, reason: 'nothing-to-try-it-on' }] },
      trial: null,
    };
  const ways = Object.entries(pass.ways?.(options, context.statistics) ?? {});
  const usual = ways[0]?.[1] ?? options;
  if (!measure || (ways.length < 2 && !pass.repairs))
    return { model, result: await applied(pass, model, usual, context), trial: null };
  const attempt = async (name: string, chosen: object) => {
    const copy = cloneModel(model);
    const result = await applied(pass, copy, chosen, context);
    return { name, model: copy, result, near: result.changed === 0 ? null : await measure(copy) };
  };
  const first = await attempt(ways[0]?.[0] ?? repaired!, usual);
  if (!first.near) return { model, result: first.result, trial: null };
  const before = pass.repairs ? await measure(model) : null;
  const samples = first.near.samples;
  const seen = [first.near.sqnrDb];
  let best = first;
  for (const [name, chosen] of ways.slice(1)) {
    const next = await attempt(name, chosen);
    seen.push(next.near?.sqnrDb ?? null);
    if (isNearer(next.near, best.near)) best = next;
  }
  const names = ways.length > 0 ? ways.map(([name]) => name) : [repaired!];
  const candidates = names.map((name, i) => ({ name, sqnrDb: seen[i] ?? null }));
  if (!before) return { ...best, trial: { pass: pass.name, taken: best.name, candidates, samples } };
  const all = [{ name: without!, sqnrDb: before.sqnrDb }, ...candidates];
  if (isNearer(best.near, before))
    return { ...best, trial: { pass: pass.name, taken: best.name, candidates: all, samples } };
  const skipped = [...best.result.skipped, { at: pass.name, reason: 'outputs-get-no-nearer' }];
  return {
    model,
    result: { changed: 0, skipped },
    trial: { pass: pass.name, taken: without!, candidates: all, samples },
  };
}

/** @throws PASS_BROKE where what the pass leaves is no model, and what the pass throws */
export async function applied(
  pass: Pass,
  model: Model,
  options: object,
  context: PassContext,
): Promise<PassResult> {
  const result = await pass.apply(model, options, context);
  try {
    verifyModel(model);
  } catch (cause) {
    throw cause instanceof Diagnostic ? passBroke(pass.name, cause) : cause;
  }
  return result;
}

export const isNearer = (a: Nearness | null, b: Nearness | null): boolean =>
  (a?.sqnrDb ?? Number.NEGATIVE_INFINITY) > (b?.sqnrDb ?? Number.NEGATIVE_INFINITY);
