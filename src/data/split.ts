/** Divides samples into those to calibrate with and those to evaluate on. */
import { allOfThem } from '../support/field.ts';
import { createRandom, type Random } from '../support/random.ts';
import { inParallel } from './read-all.ts';
import type { DataSource, Split } from './source.ts';

interface SplitOptions {
  /** Samples wanted for calibration. */
  readonly calibration: number;
  /** Samples wanted for evaluation; all others when left out, infinite, or allOfThem. */
  readonly evaluation?: number;
  readonly seed: number;
}

/** Disjoint, the same for the same seed and data, in ascending order. Shares of classes are kept when
 *  samples are labelled; otherwise calibration takes one sample from each stretch of the folder. Copies
 *  (equal `fingerprint`) stay on one side. When there are too few samples for both wishes they are shared
 *  in proportion, up to a third of them given to calibration first; without a wish for evaluation, calibration takes at most half.
 *  @example
 *  const { calibration, evaluation } = await splitData(source, { calibration: 100, evaluation: 200, seed: 0 }); */
export async function splitData(
  source: Pick<DataSource, 'length' | 'labelled' | 'label' | 'fingerprint'>,
  options: SplitOptions,
): Promise<Split> {
  const n = source.length;
  const wanted = shares(n, options);
  if (wanted.calibration === 0 && wanted.evaluation === n)
    return { calibration: [], evaluation: Array.from({ length: n }, (_, i) => i) };
  const groups = await copies(source);
  const strata = stratify(source, groups, wanted.calibration);
  const ordered = spread(strata, createRandom(options.seed));
  return deal(ordered, wanted);
}

function shares(n: number, { calibration, evaluation = Number.POSITIVE_INFINITY }: SplitOptions) {
  if (evaluation >= allOfThem) {
    const kept = calibration === 0 ? 0 : Math.min(calibration, Math.max(1, Math.floor(n / 2)), n);
    return { calibration: kept, evaluation: n - kept };
  }
  if (calibration + evaluation <= n) return { calibration, evaluation };
  const share = Math.round((n * calibration) / (calibration + evaluation));
  // Few that are wanted are given, while that leaves most to compare on.
  const least = calibration > 0 ? Math.max(1, Math.min(calibration, Math.floor(n / 3))) : 0;
  const most = evaluation > 0 ? Math.max(least, n - 1) : n;
  const kept = Math.min(n, Math.max(least, Math.min(most, share)));
  return { calibration: kept, evaluation: n - kept };
}

type Group = readonly number[];

/** Samples with equal content, together. */
async function copies(source: Pick<DataSource, 'length' | 'fingerprint'>): Promise<Group[]> {
  const { fingerprint } = source;
  if (!fingerprint) return Array.from({ length: source.length }, (_, i) => [i]);
  const prints = await inParallel(source.length, 8, (i) => fingerprint.call(source, i));
  const groups = new Map<string, number[]>();
  for (const [i, print] of prints.entries()) {
    const group = groups.get(print);
    if (group) group.push(i);
    else groups.set(print, [i]);
  }
  return [...groups.values()];
}

function stratify(
  source: Pick<DataSource, 'length' | 'labelled' | 'label'>,
  groups: readonly Group[],
  calibration: number,
): Group[][] {
  const stretches = Math.max(1, Math.min(calibration, groups.length));
  const strata = new Map<number, Group[]>();
  for (const [place, group] of groups.entries()) {
    const label = source.labelled ? source.label?.(group[0]!) : undefined;
    const key = label ?? -1 - Math.floor((place * stretches) / groups.length);
    const stratum = strata.get(key);
    if (stratum) stratum.push(group);
    else strata.set(key, [group]);
  }
  return [...strata.values()];
}

/** All groups in one order of which every beginning has each stratum in proportion: the k-th of m in a
 *  stratum stands at (k + u) / m, with u random. */
function spread(strata: readonly Group[][], random: Random): Group[] {
  const placed = strata.flatMap((stratum) =>
    random.shuffle([...stratum]).map((group, k) => ({ group, at: (k + random.next()) / stratum.length })),
  );
  return placed.sort((a, b) => a.at - b.at).map(({ group }) => group);
}

function deal(groups: readonly Group[], wanted: { calibration: number; evaluation: number }): Split {
  const calibration: number[] = [];
  const evaluation: number[] = [];
  // Where every sample has more copies than calibration wants, the first group gives as many as are wanted.
  const forced =
    groups.every((g) => g.length > wanted.calibration) && wanted.calibration > 0 ? groups[0] : null;
  for (const group of groups) {
    const fits = calibration.length + group.length <= wanted.calibration;
    if (fits || group === forced) calibration.push(...group.slice(0, wanted.calibration));
    else evaluation.push(...group.slice(0, wanted.evaluation - evaluation.length));
  }
  const ascending = (a: number, b: number) => a - b;
  return { calibration: calibration.sort(ascending), evaluation: evaluation.sort(ascending) };
}
