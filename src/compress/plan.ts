/** From what was asked for to what is done: steps before the recipe, the recipe, the result's name. Pure: no file is read, no
 *  model changed. Order of steps, precision presets and how results are stored are decided here and nowhere else. */
import {
  type TrainingSettings,
  type TrainingSettingsInit,
  trainingSettingsIn,
  trainingSettingsSchema,
} from '../compute/train/settings.ts';
import { modeNeedsData } from '../support/diagnostics/quantization.ts';
import { studentMissing, trainingNeedsData } from '../support/diagnostics/training.ts';
import { parseRequest, type Spelling } from '../support/parse-request.ts';
import { checkRecipe, fillRecipe, type PresetName, preset } from './compress.ts';
import type { ConfigUse } from './merge-config.ts';
import type { Recipe } from './pipeline/recipe.ts';
import type { Importance } from './prune/importance.ts';
import type { PruneOptions } from './prune/prune.ts';
import { refuseIdle, removesChannels } from './refuse-idle.ts';
import {
  type CompressRequest,
  type CompressRequestInit,
  compressRequest,
  type DistillRequest,
  type DistillRequestInit,
  distillRequest,
  type FinetuneRequestInit,
  finetuneRequest,
} from './request.ts';

/** What is done to the model before the recipe. */
export type StepPlan =
  | PrunePlan
  | { readonly kind: 'factorise'; readonly recipe: Recipe }
  | SparsifyPlan
  | { readonly kind: 'student'; readonly width?: number | undefined; readonly layers?: number | undefined }
  /** The student is the model in this file. */
  | { readonly kind: 'student-file'; readonly path: string }
  | TrainPlan;

export interface PrunePlan {
  readonly kind: 'prune';
  /** Shares of the original that stay. */
  readonly target: NonNullable<PruneOptions['target']>;
  /** null: by 'reconstruction' where there is data, by 'l2' where there is none. */
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
  /** Rounds by the cubic schedule; more than one needs `settings` and a share to aim at. */
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
  /** Settings of training the quantised model, those that were given; null: it isn't trained. */
  readonly qat: TrainingSettingsInit | null;
  /** What tells the result's name from the model's: ".pruned.int8". */
  readonly ending: string;
  /** What is said about data, output and budget. */
  readonly request: PlannedRequest;
  /** The file that some of it came from. */
  readonly config?: ConfigUse | undefined;
}

export type PlannedRequest = Pick<
  CompressRequest,
  | 'data'
  | 'labels'
  | 'preprocess'
  | 'skipBad'
  | 'evaluate'
  | 'testData'
  | 'testLabels'
  | 'maxDrop'
  | 'checkpoint'
  | 'output'
  | 'force'
  | 'measure'
> &
  Partial<Pick<CompressRequest, 'compare' | 'cache'>>;

/** @param given  as asked for; a recipe stands in it as such, not as a path
 *  @throws what parseRequest throws, OPTION_WITHOUT_EFFECT, CALIBRATION_REQUIRED, TRAINING_NEEDS_DATA, RECIPE_INVALID */
export async function planCompression(
  given: CompressRequestInit,
  spelling: Spelling = 'field',
): Promise<Plan> {
  const request = parseRequest(compressRequest, given, spelling);
  const training = request.finetune ? 'finetune' : request.distill ? 'distil' : null;
  if (training && request.data === undefined) throw trainingNeedsData(training);
  refuseIdle(compressRequest, given, request, spelling);
  const recipe = await recipeFor(request);
  return {
    steps: await stepsFor(request, training),
    recipe,
    qat: request.qat ? trainingSettingsIn(request) : null,
    ending: endingOf(recipe, request),
    request,
  };
}

/** @throws STUDENT_MISSING when nothing would differ from the teacher; what planCompression throws */
export async function planDistillation(
  given: DistillRequestInit,
  spelling: Spelling = 'field',
): Promise<Plan> {
  const request = parseRequest(distillRequest, given, spelling);
  const { student, width, layers } = request;
  if (student === undefined && width === undefined && layers === undefined) throw studentMissing();
  refuseIdle(distillRequest, given, { ...request, distill: true }, spelling);
  const made: StepPlan =
    student === undefined ? { kind: 'student', width, layers } : { kind: 'student-file', path: student };
  return planTraining(request, 'distilled', [made, trainPlan(request, 'distil')]);
}

/** @throws what planCompression throws */
export async function planFinetuning(
  given: FinetuneRequestInit,
  spelling: Spelling = 'field',
): Promise<Plan> {
  const request = parseRequest(finetuneRequest, given, spelling);
  refuseIdle(finetuneRequest, given, { ...request, finetune: true }, spelling);
  return planTraining(request, 'finetuned', [trainPlan(request, 'finetune')]);
}

type TrainingRequest = Omit<DistillRequest, keyof TrainingSettings | 'student' | 'width' | 'layers'> & {
  readonly seed: number;
};

/** Training by itself; what it made is quantised if that was asked for, and left as it is otherwise. */
function planTraining(request: TrainingRequest, how: string, steps: readonly StepPlan[]): Plan {
  const { int8, target, seed } = request;
  const base = int8 ? preset('int8-static') : { ...preset('clean'), name: 'trained', stages: [] };
  const recipe = { ...base, target, calibration: { ...base.calibration, seed } };
  return { steps, recipe, qat: null, ending: `.${how}${int8 ? '.int8' : ''}`, request };
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
  const { target, calibrate, seed } = request;
  const base = await filled(presetOf(request), request);
  return withStorage(
    { ...base, target, calibration: { ...base.calibration, samples: calibrate, seed } },
    request,
  );
}

/** The preset behind a precision; without one only the exact passes run. @throws CALIBRATION_REQUIRED */
export function presetOf({
  int8: mode,
  fp16,
  q4,
  data,
  cluster,
}: Pick<CompressRequest, 'int8' | 'fp16' | 'q4' | 'data'> & {
  cluster?: CompressRequest['cluster'];
}): PresetName {
  if (fp16 || q4) return q4 ? (fp16 ? 'q4f16' : 'q4') : 'float16';
  if (!mode) return cluster === undefined ? 'clean' : 'opened';
  if (mode === 'static' && data === undefined) throw modeNeedsData(mode);
  if (mode !== true && mode !== 'auto') return `int8-${mode}`;
  return data === undefined ? 'int8-dynamic' : 'int8-static';
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
    });
  if (train) steps.push(train);
  return steps;
}

const onTarget = async (name: PresetName, request: CompressRequest): Promise<Recipe> => ({
  ...(await filled(name, request)),
  target: request.target,
});

function prunePlan(request: CompressRequest): Omit<PrunePlan, 'settings' | 'rounds' | 'maxDrop'> {
  const { prune, macs, latency, importance = null, reconstruct, exclude = [], target: on } = request;
  const target = {
    ...(prune === undefined ? {} : { parameters: 1 - prune / 100 }),
    ...(macs === undefined ? {} : { macs }),
    ...(latency === undefined ? {} : { latency }),
  };
  return { kind: 'prune', target, importance, reconstruct, scope: 'global', round: 8, exclude, on };
}

/** What the result's name says of how it came about: ".pruned.trained.int8". */
function endingOf(recipe: Recipe, request: CompressRequest): string {
  const { sparsity, nm, lowRank, distill, finetune } = request;
  const isPruned = removesChannels(request) || (sparsity ?? nm ?? lowRank) !== undefined;
  const before = `${isPruned ? '.pruned' : ''}${distill || finetune ? '.trained' : ''}`;
  return before !== '' && recipe.name === 'clean' ? before : `${before}${precisionEnding(recipe)}`;
}

const precisionEnding = ({ name, ending = name }: Recipe) => `.${ending.replace(/[^\w-]+/g, '-')}`;
