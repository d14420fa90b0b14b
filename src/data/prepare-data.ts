/** Opens what --data and --test-data name, and divides it: samples to calibrate and train on, others to compare on. */

import type { OpenedModel } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import type { BinType } from '../support/bin-types.ts';
import { testDataDiffers, testDataSame } from '../support/diagnostics/data.ts';
import { formatInteger } from '../support/units.ts';
import { openData } from './open.ts';
import { inParallel } from './read-all.ts';
import type { DataSource } from './source.ts';
import { splitData } from './split.ts';
import { createSyntheticSource } from './synthetic.ts';

export interface DataOptions {
  /** Folder, .npy or .npz; or 'synthetic'. */
  readonly path: string;
  readonly labels?: string | undefined;
  readonly preprocess?: string | undefined;
  readonly tokenizer?: string | undefined;
  readonly window?: number | undefined;
  readonly sampleRate?: number | undefined;
  readonly dtype?: BinType | undefined;
  readonly skipBad?: boolean | undefined;
  /** What to compare on, instead of a part of the above; preprocessed likewise. */
  readonly test?: { readonly path: string; readonly labels?: string | undefined } | undefined;
}

export interface Prepared {
  readonly source: DataSource;
  /** Samples to find ranges on, ascending. */
  readonly calibration: readonly number[];
  /** Samples that may be learnt from, ascending: all that nothing is compared on, ranges or not; empty where nothing learns. */
  readonly training: readonly number[];
  /** What results are compared on: nothing of it calibrates or trains. `source` is the one above unless test data was given. */
  readonly held: { readonly source: DataSource; readonly indices: readonly number[] };
  /** Samples of `source` that nothing here may touch: what chose between results, or what will judge the chosen one. Absent: none. */
  readonly setAside?: readonly number[];
}

/** Samples that choose between results, apart from those that the chosen one is compared on. */
export interface ChoiceOptions {
  readonly samples: number;
  /** Compare on them, and leave those alone that a result is usually compared on. Nothing else is divided otherwise by that. */
  readonly compares: boolean;
}

export interface PrepareOptions {
  readonly seed: number;
  /** Samples to calibrate on; 0 when nothing will be. */
  readonly calibration: number;
  /** Samples to compare on, Infinity: all; 0 where nothing is compared. */
  readonly evaluation: number;
  /** Whether something prunes or trains on samples that nothing is compared on. */
  readonly learns?: boolean;
  /** At most half compare, so that as many are left for other things. */
  readonly halfAtMost?: boolean;
  /** Absent: nothing chooses. */
  readonly choice?: ChoiceOptions | undefined;
  /** What the samples are for, beside its inputs: texts are read as its graph and the files beside it say. */
  readonly model?: OpenedModel | undefined;
  /** Samples of 'synthetic'. */
  readonly synthetic: number;
}

export const describeData = (prepared: Prepared) => {
  const { source, calibration, training, held, setAside = [] } = prepared;
  const leftOut = leftOutOf(prepared).length;
  return [
    sharesText({
      calibration: calibration.length,
      training: training.length,
      comparison: formatInteger(held.indices.length),
    }),
    ...(setAside.length > 0 ? [`${formatInteger(setAside.length)} set aside`] : []),
    ...(leftOut > 0 ? [`${leftOut} left out`] : []),
    source.name,
    ...(held.source === source ? [] : [`compared on ${held.source.name}`]),
  ].join(' · ');
};

/** "100 to calibrate, 300 to learn from, 200 to compare": who was given how many. */
export const sharesText = ({
  calibration,
  training,
  comparison,
}: {
  readonly calibration: number;
  readonly training: number;
  readonly comparison: string;
}) =>
  [
    ...(calibration > 0 ? [`${formatInteger(calibration)} to calibrate`] : []),
    ...(training > 0 ? [`${formatInteger(training)} to learn from`] : []),
    comparison === '0' ? 'none to compare' : `${comparison} to compare`,
  ].join(', ');

/** Samples that were left out since they can't be read. */
export const leftOutOf = ({ source, held }: Pick<Prepared, 'source' | 'held'>): readonly string[] => [
  ...(source.leftOut ?? []),
  ...(held.source === source ? [] : (held.source.leftOut ?? [])),
];

/** What was opened and divided can be read: a bad picture is told before anything is calibrated or trained.
 *  @throws what openData throws, TEST_DATA_DIFFERS, TEST_DATA_SAME, BAD_IMAGES for what calibrates or compares */
export async function prepareData(
  given: DataOptions,
  ports: readonly Port[],
  options: PrepareOptions,
): Promise<Prepared> {
  const usual = await divided(given, ports, options);
  const parts = options.choice ? await withChoice(usual, options.choice, options.seed) : usual;
  const prepared = { ...parts, training: options.learns ? await unheldSamples(parts) : [] };
  const { source, calibration, held } = prepared;
  await source.check?.(held.source === source ? [...calibration, ...held.indices] : calibration);
  if (held.source !== source) await held.source.check?.(held.indices);
  return prepared;
}

async function divided(
  given: DataOptions,
  ports: readonly Port[],
  { seed, calibration, evaluation, halfAtMost = false, synthetic, model }: PrepareOptions,
): Promise<Omit<Prepared, 'training'>> {
  const source =
    given.path === 'synthetic'
      ? createSyntheticSource(ports, { seed, length: synthetic })
      : await openData(given.path, ports, { ...given, seed, model });
  if (!given.test) {
    const { length } = source;
    const most = halfAtMost && length > 1 ? Math.min(evaluation, Math.floor(length / 2)) : evaluation;
    const kept = most < evaluation ? Math.min(calibration, length - most) : calibration;
    const split = await splitData(source, { calibration: kept, evaluation: most, seed });
    return { source, calibration: split.calibration, held: { source, indices: split.evaluation } };
  }
  const { path, labels } = given.test;
  const limit = Number.isFinite(evaluation) ? evaluation : undefined;
  const test = await openData(path, ports, { ...given, labels, seed, limit, model });
  rejectOther(source, test);
  const held = { source: test, indices: every(test) };
  const split = await splitData(source, { calibration, evaluation: 0, seed });
  const own = await withoutCopies(source, split.calibration, held);
  if (calibration > 0 && own.length === 0) throw testDataSame(source.name, test.name);
  return { source, calibration: own, held };
}

/** Draws those that choose from what neither calibrates nor is compared on. */
async function withChoice(
  parts: Omit<Prepared, 'training'>,
  { samples, compares }: ChoiceOptions,
  seed: number,
): Promise<Omit<Prepared, 'training'>> {
  const { source, calibration } = parts;
  const unheld = await unheldSamples(parts);
  const taken = new Set(calibration);
  const left = unheld.filter((i) => !taken.has(i));
  const { evaluation } = await splitData(among(source, left), { calibration: 0, evaluation: samples, seed });
  const chosen = evaluation.map((k) => left[k]!);
  if (!compares) return { ...parts, setAside: chosen };
  // What is usually compared on, and its copies.
  const free = new Set(unheld);
  const setAside = every(source).filter((i) => !free.has(i));
  return { ...parts, held: { source, indices: chosen }, setAside };
}

/** Some samples of a source, for what divides them. */
const among = (source: DataSource, indices: readonly number[]) => ({
  length: indices.length,
  labelled: source.labelled,
  label: (k: number) => source.label?.(indices[k]!),
  ...(source.fingerprint && { fingerprint: (k: number) => source.fingerprint!(indices[k]!) }),
});

/** All but those held back to compare on and their copies, ascending: they may choose, but judge nothing. */
export async function unheldSamples({
  source,
  held,
  setAside = [],
}: Pick<Prepared, 'source' | 'held' | 'setAside'>): Promise<number[]> {
  const taken = new Set([...(held.source === source ? held.indices : []), ...setAside]);
  return withoutCopies(
    source,
    every(source).filter((i) => !taken.has(i)),
    held,
  );
}

const every = ({ length }: DataSource) => Array.from({ length }, (_, i) => i);

async function withoutCopies(source: DataSource, indices: readonly number[], held: Prepared['held']) {
  const ours = await fingerprints(source, indices);
  const theirs = new Set(await fingerprints(held.source, held.indices));
  return indices.filter((_, k) => ours[k] === undefined || !theirs.has(ours[k]));
}

const fingerprints = (source: DataSource, indices: readonly number[]) =>
  inParallel(indices.length, 8, async (k) => source.fingerprint?.(indices[k] as number));

/** A class must have one number in both, and a picture one meaning. */
function rejectOther(source: DataSource, test: DataSource): void {
  const [a, b] = [source.classes, test.classes];
  if (a && b && `${a}` !== `${b}`) {
    const at = b.findIndex((name, i) => name !== a[i]);
    const k = at < 0 ? b.length : at;
    throw testDataDiffers(
      source.name,
      test.name,
      `class ${k} is "${a[k] ?? 'none'}" there and "${b[k] ?? 'none'}" here`,
    );
  }
  if (source.preprocessing && JSON.stringify(source.preprocessing) !== JSON.stringify(test.preprocessing))
    throw testDataDiffers(source.name, test.name, 'preprocessing was read or guessed otherwise');
}
