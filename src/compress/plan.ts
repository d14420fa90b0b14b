/** From what was asked for, and facts of the model, to what is done: steps before the recipe, the recipe, samples, the result's
 *  name. Pure: no file is read, no model changed. Order of steps, precision presets and how results are stored are decided here
 *  and nowhere else. */
import {
  type TrainingSettings,
  type TrainingSettingsInit,
  trainingSettingsIn,
  trainingSettingsSchema,
  usualTraining,
} from '../compute/train/settings.ts';
import { formatOfName, formatWithId } from '../model/formats/index.ts';
import { optionConflict, optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { budgetNotMeasured, nothingToTrain } from '../support/diagnostics/training.ts';
import type { TargetName } from '../support/target.ts';
import { checkRecipe, fillRecipe, needsCalibration, type PresetName, preset } from './compress.ts';
import type { Recipe } from './pipeline/recipe.ts';
import { type DataPlan, type DataRequest, dataPlan } from './plan-data.ts';
import type { PlanFacts } from './plan-facts.ts';
import type { Importance } from './prune/importance.ts';
import type { PruneOptions } from './prune/prune.ts';
import { removesChannels } from './refuse-idle.ts';
import type { CompressRequest, DistillRequest, FinetuneRequest } from './request.ts';

/** What is done to the model before the recipe. */
export type StepPlan =
  | PrunePlan
  | { readonly kind: 'factorise'; readonly recipe: Recipe }
  | SparsifyPlan
  | { readonly kind: 'student'; readonly width?: number | undefined; readonly layers?: number | undefined }
  /** The student is the model in this file. */
  | { readonly kind: 'student-file'; readonly path: string; readonly layout?: CompressRequest['layout'] }
  | TrainPlan;

export interface PrunePlan {
  readonly kind: 'prune';
  /** Shares of the original that stay. */
  readonly target: NonNullable<PruneOptions['target']>;
  /** null: by 'reconstruction' where there are samples enough, made-up ones where there is no data; else by 'l2'. */
  readonly importance: Importance | null;
  /** Fit what is left to the dense model's answers, where there is data. */
  readonly reconstruct: boolean;
  readonly scope: 'global' | 'uniform';
  readonly round: number;
  readonly exclude: readonly string[];
  /** Prune in this many rounds, training in between. */
  readonly rounds: number;
  readonly settings: TrainingSettings | null;
  readonly maxDrop: number | null;
  /** Where a latency target is measured. */
  readonly on: Recipe['target'];
}

export interface SparsifyPlan {
  readonly kind: 'sparsify';
  readonly recipe: Recipe;
  /** Share of the weights that become zero; null: a pattern says it. */
  readonly sparsity: number | null;
  /** Rounds by the cubic schedule; more than one only with `settings` and a share to aim at. */
  readonly rounds: number;
  readonly settings: TrainingSettings | null;
  readonly maxDrop: number | null;
}

export interface TrainPlan {
  readonly kind: 'train';
  /** 'distil': towards the original's answers, with labels where there are some; 'finetune': towards the labels. */
  readonly name: 'distil' | 'finetune';
  readonly settings: TrainingSettings;
  readonly gpu: boolean;
}

export interface Plan {
  readonly steps: readonly StepPlan[];
  readonly recipe: Recipe;
  /** What is made instead where products that find their ranges while running lose too much on a probe; null: never. */
  readonly safer: Recipe | null;
  /** Settings of training the quantised model, those that were given; null: it isn't trained. */
  readonly qat: TrainingSettingsInit | null;
  /** What tells the result's name from the model's: ".pruned.int8". */
  readonly ending: string;
  /** Samples, and what each is for; null: none were given. */
  readonly data: DataPlan | null;
  /** What is said about output and budget. */
  readonly request: PlannedRequest;
}

export type PlannedRequest = DataRequest &
  Pick<
    CompressRequest,
    'maxDrop' | 'checkpoint' | 'output' | 'format' | 'io' | 'openBatch' | 'keepMetadata' | 'force' | 'measure'
  > &
  Partial<
    Pick<
      CompressRequest,
      | 'compare'
      | 'cache'
      | 'target'
      | 'task'
      | 'recipe'
      | 'temperature'
      | 'smoothing'
      | 'outputs'
      | 'layout'
      | 'sizes'
      | 'fix'
    >
  >;

/** @param given  complete and checked; a recipe stands in it as such, not as a path @param facts  of the model
 *  @throws RECIPE_INVALID, PASS_UNKNOWN; NOTHING_TO_TRAIN, BUDGET_NOT_MEASURED, OPTION_WITHOUT_EFFECT for a model that can't be
 *    served */
export async function planCompression(given: CompressRequest, facts: PlanFacts): Promise<Plan> {
  const request = inFormat(given, facts);
  if (request.q4 && writesTfjs(request)) throw optionConflict('--q4', 'TensorFlow.js, which has no 4 bits');
  refuseStorage(request);
  refuseTarget(request);
  const training = request.finetune ? 'finetune' : request.distill ? 'distil' : null;
  const recipe = await recipeFor(request);
  const steps = await stepsFor(request, training);
  const qat = request.qat ? trainingSettingsIn(request) : null;
  const safer = await saferFor(request);
  return completed({ steps, recipe, safer, qat, ending: endingOf(recipe, request), request }, facts);
}

/** What stores weights in a form that only ONNX's operators unfold. */
const storedInOnnx = {
  weightBits: '--weight-bits',
  cluster: '--cluster',
  sparsity: '--sparsity',
  nm: '--nm',
} as const;

/** What LiteRT runs is planned for LiteRT, or for phones, whose kernels take the same scales. @throws CONFLICTING_OPTION */
function refuseTarget({
  target,
  ...written
}: Partial<Pick<CompressRequest, 'target' | 'output' | 'format'>>) {
  const format = formatOfResult(written);
  if (format?.target === 'litert' && target !== undefined && target !== 'litert' && target !== 'mobile')
    throw optionConflict(`--target ${target}`, `${format.name}'s .tflite, which nothing else runs`);
}

/** Known beforehand: calibration and training would be for nothing. @throws CONFLICTING_OPTION */
function refuseStorage(request: CompressRequest): void {
  const format = formatOfResult(request);
  if (format?.id !== 'tfjs' && format?.id !== 'tflite') return;
  const asked = (Object.keys(storedInOnnx) as (keyof typeof storedInOnnx)[]).find(
    (key) => request[key] && !(key === 'weightBits' && request[key] === 8),
  );
  if (asked)
    throw optionConflict(
      storedInOnnx[asked],
      `${format.name}, for which weights aren't written so: ONNX has the operators that unfold them`,
    );
}

/** A student is made, and taught. @throws what planCompression throws */
export async function planDistillation(given: DistillRequest, facts: PlanFacts): Promise<Plan> {
  const request = inFormat(given, facts);
  const { student, width, layers, layout } = request;
  const made: StepPlan =
    student === undefined
      ? { kind: 'student', width, layers }
      : { kind: 'student-file', path: student, layout };
  return planTraining(request, 'distilled', [made, trainPlan(request, 'distil')], facts);
}

/** @throws what planCompression throws */
export function planFinetuning(given: FinetuneRequest, facts: PlanFacts): Promise<Plan> {
  const request = inFormat(given, facts);
  return planTraining(request, 'finetuned', [trainPlan(request, 'finetune')], facts);
}

/** What stays in the model's own format is asked for in it. */
const inFormat = <R extends Pick<CompressRequest, 'format'>>(request: R, { format }: PlanFacts): R =>
  format === undefined ? request : { ...request, format };

/** Training by itself; what it made is quantised if that was asked for, and left as it is otherwise. */
function planTraining(
  request: DistillRequest | FinetuneRequest,
  how: string,
  steps: readonly StepPlan[],
  facts: PlanFacts,
): Promise<Plan> {
  const { int8, seed } = request;
  refuseTarget(request);
  const quantised = presetOf({ ...request, fp16: false, q4: false });
  const base = int8 ? preset(quantised) : { ...preset('clean'), name: 'trained', stages: [] };
  const recipe = { ...base, target: targetOf(request), calibration: { ...base.calibration, seed } };
  return completed(
    { steps, recipe, safer: null, qat: null, ending: `.${how}${int8 ? '.int8' : ''}`, request },
    facts,
  );
}

/** With what it takes from the data; refused where the model can't be served, before any work on it. */
async function completed(plan: Omit<Plan, 'data'>, facts: PlanFacts): Promise<Plan> {
  const { recipe, request, steps, qat } = plan;
  const trainsModel = qat !== null || (steps.at(-1)?.kind === 'train' && steps[0]?.kind !== 'student-file');
  if (trainsModel && !facts.isTrainable) throw nothingToTrain(facts.name);
  if (request.maxDrop !== undefined && !facts.mayScore) throw budgetNotMeasured(request.maxDrop);
  if (trainsModel && !facts.mayScore) refuseScoreSettings(request);
  const calibrates = await needsCalibration(recipe);
  const learns = steps.length > 0 || qat !== null;
  return { ...plan, data: dataPlan(request, recipe.calibration, calibrates, learns) };
}

/** @throws OPTION_WITHOUT_EFFECT for what shapes a loss of class scores */
function refuseScoreSettings(request: PlannedRequest): void {
  for (const key of ['temperature', 'smoothing'] as const) {
    const { [key]: given } = request;
    if (given !== undefined && given !== usualTraining[key])
      throw optionWithoutEffect(`--${key}`, 'an output that scores classes');
  }
}

const trainPlan = (
  request: Readonly<Record<string, unknown>> & { readonly gpu: boolean },
  name: TrainPlan['name'],
): TrainPlan => ({
  kind: 'train',
  name,
  settings: trainingSettingsSchema.parse(trainingSettingsIn(request)),
  gpu: request.gpu,
});

async function recipeFor(request: CompressRequest): Promise<Recipe> {
  if (request.recipe !== undefined) return checkRecipe(request.recipe);
  const { calibrate, seed } = request;
  const base = await filled(presetOf(request), request);
  return withStorage(
    { ...base, target: targetOf(request), calibration: { ...base.calibration, samples: calibrate, seed } },
    request,
  );
}

/** Nobody said how int8 is meant: weights that are only stored in int8 are as small. What is trained, or told which kernels to use, stays. */
async function saferFor(request: CompressRequest): Promise<Recipe | null> {
  const isTold = request.qat || request.everywhere || request.weightBits === 4;
  const mayChoose = request.recipe === undefined && (request.int8 === true || request.int8 === 'auto');
  return mayChoose &&
    !isTold &&
    ['int8-dynamic', 'int8-static', 'int8-per-tensor'].includes(presetOf(request))
    ? recipeFor({ ...request, int8: 'weights' })
    : null;
}

/** What was said, or what the result's file is for. */
export const targetOf = ({
  target,
  ...written
}: Pick<CompressRequest, 'target' | 'output' | 'format'>): TargetName =>
  target ?? formatOfResult(written)?.target ?? 'wasm';

/** What is asked for by name or by ending; null where nothing is said. */
const formatOfResult = ({ output, format }: Partial<Pick<CompressRequest, 'output' | 'format'>>) =>
  format ? formatWithId(format) : output === undefined ? null : formatOfName(output);

const writesTfjs = (written: Partial<Pick<CompressRequest, 'output' | 'format'>>): boolean =>
  formatOfResult(written)?.id === 'tfjs';

/** The preset behind a precision; without one only the exact passes run. */
export function presetOf({
  int8: mode,
  fp16,
  q4,
  data,
  cluster,
  perTensor,
  ...written
}: Pick<CompressRequest, 'int8' | 'fp16' | 'q4' | 'data'> &
  Partial<Pick<CompressRequest, 'cluster' | 'perTensor' | 'output' | 'format'>>): PresetName {
  const calibrated = perTensor ? 'int8-per-tensor' : 'int8-static';
  if (fp16 || q4) return q4 ? (fp16 ? 'q4f16' : 'q4') : 'float16';
  if (!mode) return cluster === undefined ? 'clean' : 'opened';
  if (mode === 'static') return calibrated;
  if (mode !== true && mode !== 'auto') return `int8-${mode}`;
  // TensorFlow.js computes nothing in int8: weights are stored in it.
  if (writesTfjs(written)) return 'int8-weights';
  return data === undefined ? 'int8-dynamic' : calibrated;
}

const filled = (name: PresetName, request: CompressRequest): Promise<Recipe> =>
  fillRecipe(preset(name), {
    ...request,
    hasData: request.data !== undefined,
    hasRealData: request.data !== undefined && request.data !== 'synthetic',
  });

/** What changes how weights are stored stands last: nothing may unfold it again. */
async function withStorage(recipe: Recipe, request: CompressRequest): Promise<Recipe> {
  const { cluster, sparsity, nm } = request;
  const isSparse = sparsity !== undefined || nm !== undefined;
  const last = cluster !== undefined ? 'clustered' : isSparse ? 'packed' : null;
  if (!last) return recipe;
  const stages = [...recipe.stages, ...(await filled(last, request)).stages];
  if (cluster === undefined) return { ...recipe, stages };
  const { ending: _, ...rest } = recipe;
  return { ...rest, stages, name: last };
}

/** Pruning first, then training: a pruned network needs the training, and what training makes need not be pruned again. */
async function stepsFor(request: CompressRequest, training: TrainPlan['name'] | null): Promise<StepPlan[]> {
  const train = training && trainPlan(request, training);
  const between = {
    settings: train?.settings ?? null,
    rounds: request.rounds,
    maxDrop: request.maxDrop ?? null,
  };
  const steps: StepPlan[] = [];
  if (removesChannels(request)) steps.push({ ...prunePlan(request), ...between });
  if (request.lowRank !== undefined)
    steps.push({ kind: 'factorise', recipe: await onTarget('low-rank', request) });
  if (request.sparsity !== undefined || request.nm !== undefined)
    steps.push({
      kind: 'sparsify',
      recipe: await onTarget('sparse', request),
      sparsity: request.sparsity === undefined ? null : request.sparsity / 100,
      ...between,
      // A pattern leaves no share to come near to.
      rounds: train && request.sparsity !== undefined ? between.rounds : 1,
    });
  if (train) steps.push(train);
  return steps;
}

const onTarget = async (name: PresetName, request: CompressRequest): Promise<Recipe> => ({
  ...(await filled(name, request)),
  target: targetOf(request),
});

function prunePlan(request: CompressRequest): Omit<PrunePlan, 'settings' | 'rounds' | 'maxDrop'> {
  const { prune, macs, latency, exclude = [] } = request;
  const importance = request.importance ?? null;
  const target = {
    parameters: prune === undefined ? undefined : 1 - prune / 100,
    macs,
    latency,
  };
  return {
    kind: 'prune',
    target,
    importance,
    reconstruct: request.reconstruct,
    scope: 'global',
    round: 8,
    exclude,
    on: targetOf(request),
  };
}

/** What the result's name says of how it came about: ".pruned.trained.int8". */
function endingOf(recipe: Recipe, request: CompressRequest): string {
  const { sparsity, nm, lowRank, distill, finetune } = request;
  const isPruned = removesChannels(request) || (sparsity ?? nm ?? lowRank) !== undefined;
  const before = `${isPruned ? '.pruned' : ''}${distill || finetune ? '.trained' : ''}`;
  return before !== '' && recipe.name === 'clean' ? before : `${before}${precisionEnding(recipe)}`;
}

const precisionEnding = ({ name, ending = name }: Recipe) => `.${ending.replace(/[^\w-]+/g, '-')}`;
