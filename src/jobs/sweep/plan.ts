/** From a sweep to its jobs: models and data by their content, every combination once. */
import path from 'node:path';
import type { SweepFailure } from '../../judge/report/sweep-report.ts';
import { withoutExtension } from '../../model/formats/index.ts';
import type { DeviceClass } from '../../support/device-class.ts';
import { sweepInvalid, sweepTooLarge } from '../../support/diagnostics/sweep.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import type { TargetName } from '../../support/target.ts';
import { dataTree, type LocalTree, modelTree } from './content.ts';
import { recipesOf } from './draw.ts';
import { failureOf } from './failure.ts';
import { type CompressJob, keyOf, type TimeJob, versionsHere } from './job.ts';
import { type InputKey, inputKeys, type JobRecipe, requestOf } from './recipe.ts';
import { modelsOf, type ReadSweep, type SweptModel } from './sweep-file.ts';

export interface PlannedJob {
  readonly key: string;
  readonly job: CompressJob;
  /** In tables. */
  readonly model: string;
  readonly recipe: JobRecipe;
  /** Of its result. */
  readonly times: readonly PlannedTime[];
  /** Why nobody needs to try it: options that don't go together, say. */
  readonly refused: SweepFailure | null;
}

export interface PlannedTime {
  readonly key: string;
  readonly job: TimeJob;
}

export interface SweepPlan {
  readonly name: string;
  readonly jobs: readonly PlannedJob[];
  /** Models and data on this machine by their hash. */
  readonly trees: ReadonlyMap<string, LocalTree>;
}

const mostJobs = 1_000_000;
/** Words that stand in the place of a path. */
const words: Readonly<Partial<Record<InputKey, RegExp>>> = {
  data: /^synthetic$/,
  labels: /^none$/,
  preprocess: /^(imagenet|tf|caffe|0-1|0-255|none)$/,
};

/** @throws SWEEP_INVALID, SWEEP_TOO_LARGE, what opening a model or reading a file throws */
export async function planSweep({ name, sweep, folder }: ReadSweep): Promise<SweepPlan> {
  const trees = new Map<string, LocalTree>();
  const hashed: Hashed = new Map();
  const versions = versionsHere();
  const jobs = new Map<string, PlannedJob>();
  const models = modelsOf(sweep);
  const recipes = models.map((model) => recipesOf(sweep, model));
  const count =
    recipes.reduce((sum, list) => sum + list.length, 0) * sweep.targets.length * sweep.seeds.length;
  if (count > mostJobs) throw sweepTooLarge(name, count, mostJobs);
  const titles = titlesOf(models, name);
  for (const [i, swept] of models.entries()) {
    const { model, inputs } = await contentsOf(swept, folder, trees, hashed);
    for (const recipe of recipes[i]!)
      for (const target of sweep.targets)
        for (const seed of sweep.seeds) {
          const job: CompressJob = {
            kind: 'compress',
            model,
            inputs,
            recipe,
            target,
            seed,
            versions,
          };
          const wish = swept.latency ?? sweep.latency;
          const planned = await plannedJob(job, titles[i]!, wish);
          if (!jobs.has(planned.key)) jobs.set(planned.key, planned);
        }
  }
  return { name, jobs: [...jobs.values()], trees };
}

/** Models and data that were read, by their paths: each once. */
type Hashed = Map<string, Promise<LocalTree>>;

/** Of a model and its data. @throws what opening the model and reading files throws */
export async function contentsOf(
  swept: SweptModel,
  folder: string,
  trees: Map<string, LocalTree>,
  hashed: Hashed = new Map(),
) {
  const once = (kind: string, place: string, read: (place: string) => Promise<LocalTree>) => {
    const name = `${kind} ${place}`;
    const found = hashed.get(name) ?? read(place);
    hashed.set(name, found);
    return found;
  };
  const known = (tree: LocalTree): string => {
    trees.set(tree.sha256, tree);
    return tree.sha256;
  };
  const at = (file: string) => path.resolve(folder, file);
  const model = known(await once('model', at(swept.model), modelTree));
  const inputs: CompressJob['inputs'] = {};
  for (const key of inputKeys) {
    const value = swept[key];
    if (value === undefined) continue;
    inputs[key] = words[key]?.test(value)
      ? { word: value }
      : { sha256: known(await once('data', at(value), dataTree)) };
  }
  return { model, inputs };
}

async function plannedJob(job: CompressJob, model: string, wish: SweptModel['latency']): Promise<PlannedJob> {
  const key = await keyOf(job);
  const times = await Promise.all(
    devicesOf(wish, job.target).map(async (device): Promise<PlannedTime> => {
      const sizes = job.recipe['sizes'] as Record<string, number> | undefined;
      const { model, versions } = job;
      const time: TimeJob = { kind: 'time', of: key, model, ...(sizes && { sizes }), device, versions };
      return { key: await keyOf(time), job: time };
    }),
  );
  return { key, job, model, recipe: job.recipe as JobRecipe, times, refused: refusalOf(job) };
}

/** Where results for a target are timed. Phones are not this machine: they are timed where somebody asks for it. */
const usualDevices: Readonly<Record<TargetName, readonly DeviceClass[]>> = {
  wasm: ['wasm'],
  node: ['node'],
  webgpu: ['gpu'],
  mobile: [],
  litert: [],
};

const devicesOf = (wish: SweptModel['latency'], target: TargetName): readonly DeviceClass[] =>
  Array.isArray(wish) ? [...new Set(wish)] : wish ? usualDevices[target] : [];

/** A request that nobody could carry out is a row with its code, not the end of the sweep. */
function refusalOf({ recipe, target, seed, inputs }: CompressJob): SweepFailure | null {
  const named = Object.fromEntries(
    Object.entries(inputs).map(([key, content]) => [key, content && 'word' in content ? content.word : key]),
  );
  try {
    requestOf(recipe as JobRecipe, { target, seed, inputs: named });
    return null;
  } catch (error) {
    if (error instanceof Diagnostic) return failureOf(error);
    throw error;
  }
}

/** @throws SWEEP_INVALID for two models of one name */
function titlesOf(models: readonly SweptModel[], file: string): string[] {
  const titles = models.map(
    ({ model, name }) => name ?? path.basename(withoutExtension(model.replace(/[\\/]+$/, ''))),
  );
  const twice = titles.find((title, i) => titles.indexOf(title) !== i);
  if (twice !== undefined)
    throw sweepInvalid(file, 'models', `two are called "${twice}".`, 'Give one of them another "name".');
  return titles;
}
