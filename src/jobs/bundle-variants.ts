/** Makes the variants of a bundle, one after the other; one that fails is left out with the reason. */
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { EngineName } from '../compute/engine/contract.ts';
import { openEngine } from '../compute/engine/open.ts';
import type { StrippedTexts } from '../model/formats/onnx/strip-traces.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import type { BundleVariant } from '../ship/emit/bundle.ts';
import { litertAsked, noVariant } from '../support/diagnostics/bundle.ts';
import type { VariantPlan } from './bundle-plan.ts';
import {
  describeOutcome,
  isAboutVariant,
  makeVariant,
  type VariantContext,
  type VariantOutcome,
} from './bundle-variant.ts';
import { type JobEvents, step } from './progress.ts';
import { createJudge, isTried, type Judge } from './try-result.ts';

export interface Made {
  readonly variants: BundleVariant[];
  /** The float model, cleaned, with the shapes that were inferred. */
  readonly clean: Model;
  readonly refused: { name: string; reason: string }[];
  readonly notes: { name: string; note: string }[];
  /** What exporters had written of the machine, in the variant that had most of it; null where it is kept. */
  stripped: StrippedTexts | null;
  /** What made each variant, by its name. */
  readonly recipes: Record<string, Recipe>;
}

/** Why no variant of a format is made. */
export type Unfit = ReadonlyMap<VariantPlan['format'], string>;

/** @param unfit  what is known before any work
 *  @throws NO_VARIANT, what is not about one variant alone; TFLITE_… where LiteRT was asked for and has no form for the model */
export async function makeAll(
  opened: OpenedModel,
  plans: readonly VariantPlan[],
  { unfit: known, ...making }: Omit<VariantContext, 'engine' | 'judgeOn'> & { readonly unfit: Unfit },
  events: JobEvents,
): Promise<Made> {
  const unfit = new Map(known);
  const { model } = opened;
  const context = { ...making, engine: await openEngine(), judgeOn: judgesOf(opened, making) };
  const made: Made & { clean: Model } = {
    variants: [],
    clean: model,
    refused: [],
    notes: [],
    recipes: {},
    stripped: null,
  };
  // The float models first: without them there is nothing to fall back on.
  for (const plan of [...plans].reverse()) {
    const { name, format, isAskedFor } = plan;
    const refused = unfit.get(format);
    const outcome: VariantOutcome = await step(
      events,
      'variant',
      async (onProgress) =>
        refused === undefined ? attempt(() => makeVariant(model, plan, context, onProgress)) : { refused },
      (o) => describeOutcome(plan, o),
    );
    if ('refused' in outcome) {
      if (isAskedFor && outcome.unwritable) throw litertAsked(outcome.unwritable);
      if (outcome.isForAll) unfit.set(format, outcome.refused);
      made.refused.unshift({ name, reason: outcome.refused });
    } else {
      if (plan.precision === 'float32') Object.assign(made, { clean: outcome.model });
      if (outcome.stripped && outcome.stripped.texts > (made.stripped?.texts ?? 0))
        made.stripped = outcome.stripped;
      made.recipes[name] = outcome.recipe;
      made.notes.unshift(...outcome.notes.map((note) => ({ name, note })));
      addOrJoin(made.variants, outcome.variant);
    }
  }
  if (made.variants.length === 0) throw noVariant(made.refused.map((r) => `${r.name}: ${r.reason}`));
  return made;
}

/** One judge a runtime: what the original answers there is computed once. */
function judgesOf(
  opened: OpenedModel,
  { prepared, signal }: Pick<VariantContext, 'prepared' | 'signal'>,
): VariantContext['judgeOn'] {
  if (!isTried(opened)) return () => async () => null;
  const hasRealData = prepared !== null && prepared.source.kind !== 'synthetic';
  const judges = new Map<EngineName, Judge>();
  return (engine) => {
    const judge = judges.get(engine) ?? createJudge(opened, { engine, signal, hasRealData });
    judges.set(engine, judge);
    return judge;
  };
}

/** A variant that fails is left out with the reason; the others are made all the same. */
async function attempt(work: () => Promise<VariantOutcome>): Promise<VariantOutcome> {
  try {
    return await work();
  } catch (error) {
    if (isAboutVariant(error)) return { refused: error.message };
    throw error;
  }
}

/** Best first. Two variants with the same bytes are one that runs in both places. */
function addOrJoin(variants: BundleVariant[], variant: BundleVariant): void {
  const at = variants.findIndex(
    (v) =>
      v.format === variant.format &&
      v.content.data.length === 0 &&
      sameBytes(v.content.model, variant.content.model),
  );
  if (at < 0) {
    variants.unshift(variant);
    return;
  }
  const [first, second] = [variant, variants[at]!];
  variants[at] = {
    ...first,
    providers: [...new Set([...first.providers, ...second.providers])],
    runtime: first.runtime ?? second.runtime,
    parity: [...first.parity, ...second.parity],
  };
}

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && Buffer.compare(a, b) === 0;
