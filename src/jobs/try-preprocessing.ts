/** Where preprocessing would be a guess, the model itself says which preset it was trained with: by labels where there are some, otherwise
 *  by how well it tells pictures apart. A model that knows nothing of its labels is refused before anything is computed for it. */
import type { Engine, Session } from '../compute/engine/contract.ts';
import { openOn } from '../compute/engine/open-model.ts';
import { noLabels } from '../data/label-files.ts';
import { openData } from '../data/open.ts';
import { pictureInput } from '../data/picture-input.ts';
import { type DataOptions, type Prepared, type PrepareOptions, prepareData } from '../data/prepare-data.ts';
import { isOfLargeRange, likelyPresets } from '../data/preprocess.ts';
import type { DataSource, PreprocessingTrial } from '../data/source.ts';
import type { OpenedModel, Runnable } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import { chanceLevel } from '../support/diagnostics/data.ts';
import { spread } from '../support/spread.ts';
import { mean } from '../support/statistics.ts';
import type { TaskName } from '../support/task.ts';
import { withCarriedStates } from './carry-states.ts';
import { withFittingLabels } from './fitting-labels.ts';
import { type Look, look } from './preset-trial.ts';
import { scoresOutput } from './run-pair.ts';

/** Samples that presets are tried on. */
const trialSamples = { labelled: 64, unlabelled: 32, fewest: 16 };

/** Where labels say nothing on few samples, more are asked before they are called chance: at most, and at least. */
const chanceSamples = { most: 256, fewest: 64 };

/** Standard errors above chance: from when labels surely are known, and under which they are not known on many samples. */
const surely = 3;
const hardly = 2;

/** Standard errors by which another preset than the usual one must be better. */
const clearly = 1.25;

/** Without labels a preset is believed that makes the model tell samples apart by this share of what is possible, and another
 *  than the usual one only where it does by so much more. Pixels of a large range make predictions sharper, right or not: they are
 *  believed where those of a small one tell next to nothing. Found on the image classifiers of zoo and fixtures. */
const believable = { informed: 0.4, lead: 1.1, nothing: 0.15 };

export interface PrepareForOptions extends PrepareOptions {
  readonly engine: () => Promise<Engine>;
  readonly signal?: AbortSignal | undefined;
  /** Whether what is done can't do without labels, and teaches them. */
  readonly needsLabels?: boolean;
  /** What somebody says that the model is for. */
  readonly task?: TaskName | undefined;
}

/** Data for a model; pictures are prepared as nobody said, but as the model makes most of them. Tried on samples that nothing is
 *  compared on.
 *  @throws what prepareData and engines throw; CHANCE_LEVEL where many labels are known no better than by chance, whatever is tried */
export async function prepareDataFor(
  model: OpenedModel,
  ports: readonly Port[],
  given: DataOptions,
  options: PrepareForOptions,
): Promise<Prepared> {
  const named = [given.labels, given.test?.labels].some((l) => l !== undefined && l !== noLabels);
  const asked = named || options.needsLabels === true;
  const prepare = async (from: DataOptions) =>
    withFittingLabels(
      await prepareData(from, ports, { ...options, model }),
      model.model,
      asked,
      options.task,
    );
  const prepared = await carrying(await prepare(given), model, options);
  const ways = waysToTry(prepared.source, ports, given, options.seed);
  const found = await tried(ways, model, prepared, options);
  options.signal?.throwIfAborted();
  if (found === null) return prepared;
  const fitted = found.way === ways[0] ? prepared : await prepare({ ...given, preprocess: found.way.name });
  const source = { ...fitted.source, ...asTried(fitted.source, found) };
  const { held } = fitted;
  return { ...fitted, source, held: held.source === fitted.source ? { ...held, source } : held };
}

/** Samples that states are handed on to have those of the model. */
async function carrying(
  prepared: Prepared,
  model: OpenedModel,
  { engine, signal }: PrepareForOptions,
): Promise<Prepared> {
  const { source, held, calibration, training } = prepared;
  if (!source.carried && !held.source.carried) return prepared;
  const session = await openOn(await engine(), model);
  try {
    const isOne = held.source === source;
    const indices = [...new Set([...calibration, ...training, ...(isOne ? held.indices : [])])];
    const own = await withCarriedStates(source, indices, session, signal);
    const other = isOne ? own : await withCarriedStates(held.source, held.indices, session, signal);
    return { ...prepared, source: own, held: { ...held, source: other } };
  } finally {
    await session.close();
  }
}

interface Way {
  readonly name: string;
  open(): Promise<DataSource>;
}

interface Found {
  readonly way: Way;
  readonly trial: PreprocessingTrial;
}

/** The usual one first; only that of the source where it isn't a guess. */
function waysToTry(
  source: DataSource,
  ports: readonly Port[],
  given: DataOptions,
  seed: number,
): readonly [Way, ...Way[]] {
  const name = source.preprocessing?.['name'];
  const own: Way = { name: typeof name === 'string' ? name : 'as given', open: async () => source };
  const picture = ports.map((p) => pictureInput(p)).find((p) => p !== null);
  if (!source.preprocessingGuessed || !picture) return [own];
  const others = likelyPresets(picture).filter((preset) => preset !== own.name);
  return [
    own,
    ...others.map((preset) => ({
      name: preset,
      open: () => openData(given.path, ports, { ...given, preprocess: preset, seed }),
    })),
  ];
}

/** @returns null where nothing was to be tried, or what came out says nothing */
async function tried(
  ways: readonly [Way, ...Way[]],
  model: Runnable,
  prepared: Prepared,
  { engine, needsLabels }: PrepareForOptions,
): Promise<Found | null> {
  const { source } = prepared;
  if (source.kind === 'synthetic') return null;
  const free = freeIndices(prepared);
  const { labelled } = source;
  if (free.length < trialSamples.fewest || (ways.length < 2 && (!labelled || needsLabels))) return null;
  const session = await openOn(await engine(), model);
  try {
    const output = scoresOutput(session.outputs)?.name;
    if (output === undefined) return null;
    const trial = { ways, session, output, free };
    const known = labelled ? await byLabels(trial, needsLabels === true) : null;
    return known ?? (ways.length > 1 ? await byOutputs(trial) : null);
  } finally {
    await session.close();
  }
}

interface Trial {
  readonly ways: readonly [Way, ...Way[]];
  readonly session: Session;
  readonly output: string;
  /** Samples that nothing is compared on. */
  readonly free: readonly number[];
}

interface Seen {
  readonly way: Way;
  readonly seen: Look;
}

async function lookAtAll({ ways, session, output, free }: Trial, count: number): Promise<Seen[]> {
  const indices = spread(free, count);
  const all: Seen[] = [];
  for (const way of ways) all.push({ way, seen: await look(session, output, await way.open(), indices) });
  return all;
}

/** @throws CHANCE_LEVEL */
async function byLabels(trial: Trial, teaches: boolean): Promise<Found | null> {
  const all = await lookAtAll(trial, trialSamples.labelled);
  const [best] = all.toSorted((a, b) => rankOf(b) - rankOf(a)) as [Seen];
  const { labels } = best.seen;
  if (labels !== null && labels.aboveChance > surely) {
    const [usual] = all as [Seen];
    const chosen = isBetter(best, usual) ? best : usual;
    return trial.ways.length > 1 ? found(chosen, 'labels', all, rankOf) : null;
  }
  if (labels === null || teaches || trial.free.length < chanceSamples.fewest) return null;
  const { session, output } = trial;
  const more = spread(trial.free, chanceSamples.most);
  const again = await look(session, output, await best.way.open(), more);
  if (again.labels === null || again.labels.aboveChance > hardly) return null;
  const scores = all.map(({ way, seen }) => ({ name: way.name, top1: seen.labels?.top1 ?? 0 }));
  throw chanceLevel({ scores, samples: best.seen.samples, classes: best.seen.classes });
}

/** By more than what the same samples may differ by chance. */
function isBetter(one: Seen, other: Seen): boolean {
  const [a, b] = [one, other].map(({ seen }) => seen.labels?.ranks ?? []) as [
    readonly number[],
    readonly number[],
  ];
  const differences = a.map((rank, i) => rank - (b[i] ?? 0));
  const spreadOf = Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0)) / differences.length;
  return mean(differences) > clearly * spreadOf;
}

const rankOf = ({ seen }: Seen) => seen.labels?.rank ?? 0;

async function byOutputs(trial: Trial): Promise<Found | null> {
  const all = await lookAtAll(trial, trialSamples.unlabelled);
  const information = ({ seen }: Seen) => seen.information;
  const [usual] = all as [Seen];
  const ordered = all.toSorted((a, b) => information(b) - information(a)) as [Seen, ...Seen[]];
  const small = ordered.find(({ way }) => !isOfLargeRange(way.name));
  const most = small && small.seen.informed >= believable.nothing ? small : ordered[0];
  if (most.seen.informed < believable.informed) return null;
  const best = information(most) >= believable.lead * information(usual) ? most : usual;
  return found(best, 'outputs', all, information);
}

const found = (
  { way, seen }: Seen,
  by: PreprocessingTrial['by'],
  all: readonly Seen[],
  score: (s: Seen) => number,
): Found => ({
  way,
  trial: {
    ...{ by, samples: seen.samples },
    scores: all.map((s) => ({ preprocessing: s.way.name, score: score(s) })),
  },
});

function asTried(
  { guessed }: DataSource,
  { way, trial }: Found,
): Pick<DataSource, 'guessed' | 'preprocessingGuessed' | 'preprocessingTrial'> {
  const { by, samples, scores } = trial;
  const note =
    by === 'labels'
      ? `preprocessing "${way.name}", best of ${scores.length} presets on ${samples} labelled samples`
      : `preprocessing "${way.name}", with which of ${scores.length} presets the model tells ${samples} samples apart`;
  return {
    preprocessingGuessed: true,
    preprocessingTrial: trial,
    guessed: [note, ...guessed.filter((g) => !g.startsWith('preprocessing "'))],
  };
}

/** Those that ranges are found on, then the others. */
function freeIndices({ source, calibration, held }: Prepared): readonly number[] {
  const taken = new Set(held.source === source ? held.indices : []);
  const first = new Set(calibration);
  const all = Array.from({ length: source.length }, (_, i) => i);
  return [...calibration, ...all.filter((i) => !first.has(i))].filter((i) => !taken.has(i));
}
