/** Chooses the samples on which two models are compared: those that the original answers surely, and not all alike. */
import type { Told } from './telling.ts';

/** A box, or anything else, that is at least so sure is there. */
const shown = 0.3;

/** Numbers of which less than this share of the mean square varies are always the same. */
const same = 1e-3;

/** How much answers differ from sample to sample, 0 to 1: the share whose choice isn't the usual one; where nothing is chosen, the share that
 *  finds anything; of numbers only whether they vary. */
export function varietyOf(answers: readonly Told[]): number {
  if (answers.length < 2) return 0;
  const counts = new Map<string, number>();
  for (const { choice } of answers) if (choice !== null) counts.set(choice, (counts.get(choice) ?? 0) + 1);
  if (counts.size > 0) return 1 - Math.max(...counts.values()) / answers.length;
  if (spreadOf(answers) < same) return 0;
  const isAnythingToFind = answers.some(({ sureness }) => sureness < 1);
  const finding = answers.filter(({ sureness }) => sureness >= shown).length / answers.length;
  return isAnythingToFind ? finding : 1;
}

/** Variance of the numbers over samples, as a share of their mean square. */
function spreadOf(answers: readonly Told[]): number {
  const size = Math.min(...answers.map(({ numbers }) => numbers.length));
  let [within, all] = [0, 0];
  for (let i = 0; i < size; i++) {
    let [sum, squares] = [0, 0];
    for (const { numbers } of answers) {
      const value = Number.isFinite(numbers[i]!) ? numbers[i]! : 0;
      sum += value;
      squares += value * value;
    }
    within += squares - (sum * sum) / answers.length;
    all += squares;
  }
  return all > 0 ? Math.max(0, within / all) : 0;
}

/** Different choices among them; null where nothing is chosen. */
export function choicesIn(answers: readonly Told[]): number | null {
  const choices = new Set(answers.map(({ choice }) => choice));
  return choices.has(null) ? null : choices.size;
}

/** @returns places of `count` answers, or of all, ascending */
export function chooseTelling(answers: readonly Told[], count: number): number[] {
  if (answers.length <= count) return answers.map((_, i) => i);
  const chosen = choicesIn(answers) === null ? farApart(answers, count) : inTurns(answers, count);
  return chosen.sort((a, b) => a - b);
}

/** The surest of each choice, then the second of each, and so on; beside the first of each, only those of the surer half. */
function inTurns(answers: readonly Told[], count: number): number[] {
  const groups = new Map<string | null, number[]>();
  bySureness(answers).forEach((i, rank) => {
    const { choice } = answers[i]!;
    const group = groups.get(choice);
    if (!group) groups.set(choice, [i]);
    else if (rank < Math.max(count, answers.length / 2)) group.push(i);
  });
  const chosen: number[] = [];
  for (let turn = 0; turn < answers.length && chosen.length < count; turn++)
    for (const group of groups.values()) {
      const next = group[turn];
      if (next !== undefined && chosen.length < count) chosen.push(next);
    }
  return chosen;
}

/** Each as far as can be from all chosen before, among the surer half. */
function farApart(answers: readonly Told[], count: number): number[] {
  const ordered = bySureness(answers);
  const least = answers[ordered[Math.max(count, Math.ceil(answers.length / 2)) - 1]!]!.sureness;
  const candidates = ordered.filter((i) => answers[i]!.sureness >= least);
  const chosen = [candidates[0]!];
  const nearest = candidates.map((i) => distance(answers[i]!, answers[chosen[0]!]!));
  while (chosen.length < count) {
    const at = nearest.reduce((best, d, i) => (d > nearest[best]! ? i : best), 0);
    // What is left is like one that is chosen.
    if (nearest[at]! < 0) break;
    chosen.push(candidates[at]!);
    candidates.forEach((i, k) => {
      nearest[k] = k === at ? -1 : Math.min(nearest[k]!, distance(answers[i]!, answers[candidates[at]!]!));
    });
    nearest[0] = -1;
  }
  return chosen;
}

const bySureness = (answers: readonly Told[]): number[] =>
  answers.map((_, i) => i).sort((a, b) => answers[b]!.sureness - answers[a]!.sureness || a - b);

function distance({ numbers: a }: Told, { numbers: b }: Told): number {
  let sum = 0;
  for (let i = 0; i < Math.min(a.length, b.length); i++) sum += (a[i]! - b[i]!) ** 2;
  return Number.isFinite(sum) ? sum : 0;
}
