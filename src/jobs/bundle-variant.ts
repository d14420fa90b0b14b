/** Makes one variant: runs its recipe, turns the result into bytes, and shows it to the gate. */

import path from 'node:path';
import { storagesOf } from '../compress/compress.ts';
import { type LeftOut, without } from '../compress/pipeline/leave-out.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { CalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import type { EngineName } from '../compute/engine/contract.ts';
import { engineOfTarget } from '../compute/engine/open.ts';
import type { EngineRun, Tell } from '../compute/engine/run-context.ts';
import type { Prepared } from '../data/prepare-data.ts';
import { formatMeasure } from '../judge/report/measure-words.ts';
import { type StrippedTexts, stripTraces } from '../model/formats/onnx/strip-traces.ts';
import { type OpenedModel, openedFromModel, openedFromParts } from '../model/formats/opened.ts';
import { setLabels, setPreprocessing } from '../model/ir/card.ts';
import type { Model } from '../model/ir/model.ts';
import { outputPortsOf, portsOf } from '../model/ir/port.ts';
import type { BundleVariant } from '../ship/emit/bundle.ts';
import { type ModelBytes, modelBytes, tfjsBytes, tfliteBytes, totalBytes } from '../ship/emit/model-bytes.ts';
import { convertToOrt } from '../ship/emit/ort.ts';
import { isOther } from '../ship/profile/other-runtimes.ts';
import { runtimeBrotliBytes } from '../ship/profile/runtime-sizes.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { counted, formatBytes, formatDb, formatPercent } from '../support/units.ts';
import type { Gate, GateResult } from './bundle-gate.ts';
import type { ModelUse } from './bundle-info.ts';
import type { VariantPlan } from './bundle-plan.ts';
import { idleReasons } from './refusals.ts';
import { runServingRecipe } from './run-recipe.ts';
import type { Judge } from './try-result.ts';

export interface VariantContext extends EngineRun {
  readonly prepared: Prepared | null;
  readonly cache: CalibrationCache | null;
  readonly gate: Gate;
  /** Whether what passes make serves, on a runtime. */
  readonly judgeOn: (engine: EngineName) => Judge;
  /** Labels and preprocessing, for files that have a place for them. */
  readonly use: Pick<ModelUse, 'labels' | 'preprocessing'>;
  /** Bytes of weights beyond which they go into a file of their own. */
  readonly externalAboveBytes?: number | undefined;
  /** Leave in what exporters wrote of the machine. */
  readonly keepMetadata: boolean;
  /** Stands between making a variant and checking it; tests break models here. */
  readonly afterMaking?: ((model: Model, plan: VariantPlan) => void) | undefined;
}

export type VariantOutcome =
  | {
      readonly variant: BundleVariant;
      readonly notes: readonly string[];
      readonly model: Model;
      readonly stripped: StrippedTexts | null;
      /** What made it: the plan's, without passes that spoil it. */
      readonly recipe: Recipe;
    }
  | Refused;

export interface Refused {
  readonly refused: string;
  /** Whether the reason is one for every variant of that format. */
  readonly isForAll?: boolean;
  /** What the format has no form for. */
  readonly unwritable?: Diagnostic;
}

/** About graphs and sizes, which variants of one format share; types and bytes are of each variant's own. */
const sharedCodes = ['TFLITE_OPERATOR', 'TFLITE_SIZE', 'TFLITE_INTEGER', 'TFJS_OPERATOR'];

/** @throws what passes throw that is not about this variant alone: broken models, interrupts, lack of memory */
export async function makeVariant(
  source: Model,
  plan: VariantPlan,
  context: VariantContext,
  onProgress: Tell,
): Promise<VariantOutcome> {
  const { engine, prepared, cache, signal } = context;
  const events = { progress: (_: string, done: number, total: number) => onProgress(done, total) };
  const { result: made, leftOut } = await runServingRecipe(source, {
    ...{ recipe: plan.recipe, engine, prepared, cache, events, signal },
    refusal: context.judgeOn(engineOfTarget(plan.recipe.target)),
  });
  const { model, journal } = made;
  const recipe = leftOut.reduce((rest, { pass }) => without(rest, pass), plan.recipe);
  if (await losesStorage(plan.recipe, recipe)) return { refused: leftOut.map(describeLeftOut).join('; ') };
  const idle = await idleReasons({ recipe, model, journal });
  if (idle) return { refused: `nothing in it to make smaller (${idle.join('; ')})` };
  const moved = changedPorts(source, model);
  if (moved) return { refused: moved };
  // Without the target: variants that are alike should be alike byte by byte.
  model.metadata.set('edgepress', `made with recipe ${recipe.name}`);
  const stripped = context.keepMetadata ? null : stripTraces(model);
  context.afterMaking?.(model, plan);
  let content: ModelBytes;
  try {
    content = await contentOf(model, plan);
  } catch (error) {
    if (!isOther(plan.format) || !isAboutVariant(error)) throw error;
    const { code, message, hint } = error;
    const refused = code === 'TFLITE_SIZE' ? `${message} ${hint}` : message;
    return { refused, isForAll: sharedCodes.includes(code), unwritable: error };
  }
  const runnable = isOther(plan.format) ? asItIs(plan, content) : opened(model, plan, content);
  const result = await context.gate.check({ ...plan, outputs: outputPortsOf(source) }, runnable, onProgress);
  const { refused, isUntried } = result;
  if (refused) return { refused, isForAll: isUntried === true && isOther(plan.format) };
  const notes = [...result.notes, ...leftOut.map((l) => `is made otherwise: ${describeLeftOut(l)}`)];
  return { variant: { ...rowOf(plan, result), content }, notes, model, recipe, stripped };

  async function contentOf(model: Model, plan: VariantPlan): Promise<ModelBytes> {
    if (plan.format === 'ort') {
      const { bytes, ...facts } = openedFromModel(model).engineSource('bytes');
      return { model: await convertToOrt(bytes, { target: 'arm', ...facts }), data: [] };
    }
    if (plan.format === 'tfjs') return tfjsBytes(model, path.posix.basename(plan.file));
    if (plan.format === 'litert') return tfliteBytes(withUse(model, context.use));
    return modelBytes(model, path.posix.basename(plan.file), context.externalAboveBytes);
  }
}

/** Whether a smaller recipe stores nothing in a form that the whole one does: it isn't what the variant is called then. */
async function losesStorage(whole: Recipe, smaller: Recipe): Promise<boolean> {
  const [asked, left] = await Promise.all([storagesOf(whole), storagesOf(smaller)]);
  return asked.some(({ form }) => !left.some((l) => l.form === form));
}

/** Goes on in a sentence, which ends without its own full stop. */
const describeLeftOut = ({ pass, reason }: LeftOut) =>
  `pass ${pass} was left out, as with it ${reason.replace(/\.$/, '')}`;

/** The same model, which says how it is used. */
function withUse(model: Model, { labels, preprocessing }: VariantContext['use']): Model {
  if (labels) setLabels(model, labels);
  if (preprocessing) setPreprocessing(model, preprocessing);
  return model;
}

/** An app feeds every variant the same tensors and reads the same outputs; null when it can. */
function changedPorts(source: Model, result: Model): string | null {
  const key = (m: Model) => JSON.stringify([portsOf(m), outputPortsOf(m)].map((ps) => ps.map(identity)));
  const identity = ({ name, dtype }: { name: string; dtype: string }) => [name, dtype];
  return key(source) === key(result) ? null : 'its inputs or outputs are not those of the original';
}

function opened(made: Model, { file }: VariantPlan, { model, data }: ModelBytes): OpenedModel {
  const beside = data.map(({ location, bytes }) => ({ name: location, bytes }));
  return openedFromParts(made, [{ name: path.posix.basename(file), bytes: model }, ...beside]);
}

/** The files as they are: a page's TensorFlow.js or LiteRT.js opens them. */
const asItIs = (
  { name }: VariantPlan,
  { model, data }: ModelBytes,
): Pick<OpenedModel, 'name' | 'engineSource'> => ({
  name,
  engineSource: () => ({
    bytes: model,
    externalData: new Map(data.map(({ location, bytes }) => [location, bytes])),
  }),
});

function rowOf(
  plan: VariantPlan,
  { parity, accuracy, providers }: GateResult,
): Omit<BundleVariant, 'content'> {
  const { name, precision, format, requires, file, runtime } = plan;
  return {
    ...{ name, precision, providers, format, requires, file, parity, accuracy },
    sessionConfig: {},
    runtime: runtime && { bundle: runtime, brotliBytes: runtimeBrotliBytes(runtime) },
    measured: [],
  };
}

/** "3.64 MB · same top-1 98.3 % on 100 samples", or why it is not there. */
export function describeOutcome(plan: VariantPlan, outcome: VariantOutcome): string {
  if ('refused' in outcome) return `${plan.name} left out: ${outcome.refused}`;
  const { content, parity } = outcome.variant;
  const widest = widestParity(parity);
  return `${plan.name} ${formatBytes(totalBytes(content))} · ${widest ? describeParity(widest) : 'not compared'}`;
}

/** The comparison on most samples; browsers ran fewer. */
export const widestParity = (parity: BundleVariant['parity']) =>
  [...parity].sort((a, b) => b.samples - a.samples)[0];

function describeParity({ top1Agreement, sqnrDb, samples, measure }: BundleVariant['parity'][number]) {
  const near = sqnrDb === null ? 'no difference' : `SQNR ${formatDb(sqnrDb)}`;
  const same = top1Agreement === null ? near : `same top-1 ${formatPercent(top1Agreement)}`;
  const found = measure ? `${measure.name} ${formatMeasure(measure)}` : same;
  return `${found} on ${counted(samples, 'sample')}`;
}

/** A failure that is about one variant, not about the job. */
export const isAboutVariant = (error: unknown): error is Diagnostic =>
  error instanceof Diagnostic && (error.kind === 'unsupported' || error.kind === 'internal');
