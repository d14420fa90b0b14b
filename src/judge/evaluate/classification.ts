/** Accuracy, precision, recall and F1, one sample at a time. Definitions as scikit-learn's, zero division
 *  as 0. */
import { labelRange } from '../../support/diagnostics/data.ts';
import { wilsonInterval } from '../../support/statistics.ts';

export interface ClassificationMeter {
  /** Scores of one sample, in any monotone form (logits or probabilities), and its class.
   *  @returns the predicted class: the largest score, the first of equals
   *  @throws LABEL_RANGE when there are fewer scores than the label needs */
  add(scores: ArrayLike<number>, label: number): number;
  result(): ClassificationResult;
}

export interface ClassificationResult {
  readonly samples: number;
  /** Share of samples whose class is among the k largest scores, by k; null before the first sample, and
   *  for a k that is not less than the number of classes. */
  readonly accuracy: readonly TopAccuracy[];
  /** Classes that occur as truth or as prediction, by index. */
  readonly perClass: readonly ClassScore[];
  /** Unweighted mean over `perClass`. */
  readonly macro: Scores;
  /** Over all decisions together; with one label a sample all three are the top-1 accuracy. */
  readonly micro: Scores;
  /** Mean over `perClass` weighted by support. */
  readonly weighted: Scores;
  /** Counts that are not zero, in order of truth, then prediction. */
  readonly confusion: readonly {
    readonly truth: number;
    readonly predicted: number;
    readonly count: number;
  }[];
}

export interface TopAccuracy {
  readonly k: number;
  readonly value: number | null;
  /** 95 % Wilson interval. */
  readonly interval: readonly [number, number] | null;
}

export interface Scores {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
}

export interface ClassScore {
  readonly label: number;
  /** null: never predicted. */
  readonly precision: number | null;
  /** null: never the truth. */
  readonly recall: number | null;
  readonly f1: number;
  /** Samples of this class. */
  readonly support: number;
}

/** Adds up accuracy, top-k, precision, recall and F1.
 *  Memory grows with the pairs (truth, prediction) that occur, not with samples or classes.
 *  @example
 *  const meter = createClassificationMeter();
 *  meter.add([0.1, 2.3, 0.4], 1);
 *  console.log(meter.result()); */
export function createClassificationMeter(
  options: { readonly topK?: readonly number[] } = {},
): ClassificationMeter {
  const topK = options.topK ?? [1, 5];
  const hits = new Map(topK.map((k) => [k, 0]));
  const confusion = new Map<number, Map<number, number>>();
  let samples = 0;
  let classes = 0;
  return {
    add(scores, label) {
      if (!Number.isInteger(label) || label < 0 || label >= scores.length)
        throw labelRange(label, scores.length);
      const rank = rankOf(scores, label);
      const predicted = largest(scores);
      for (const k of topK) if (rank < k) hits.set(k, hits.get(k)! + 1);
      const row = confusion.get(label) ?? new Map<number, number>();
      row.set(predicted, (row.get(predicted) ?? 0) + 1);
      confusion.set(label, row);
      classes = Math.max(classes, scores.length);
      samples++;
      return predicted;
    },
    result() {
      const perClass = classScores(confusion);
      const correct = [...confusion].reduce((n, [truth, row]) => n + (row.get(truth) ?? 0), 0);
      const share = samples > 0 ? correct / samples : null;
      return {
        samples,
        accuracy: topK.map((k) => topAccuracy(k, hits.get(k)!, samples, classes)),
        perClass,
        macro: averaged(perClass, () => 1),
        micro: { precision: share, recall: share, f1: share },
        weighted: averaged(perClass, (c) => c.support),
        confusion: sparse(confusion),
      };
    },
  };
}

function topAccuracy(k: number, hits: number, samples: number, classes: number): TopAccuracy {
  if (samples === 0 || (k > 1 && k >= classes)) return { k, value: null, interval: null };
  return { k, value: hits / samples, interval: wilsonInterval(hits, samples) };
}

/** Place of the largest number, the first of equals; NaN never wins unless there is nothing else. */
export function largest(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++)
    if (scores[i]! > scores[best]! || (Number.isNaN(scores[best]!) && !Number.isNaN(scores[i]!))) best = i;
  return best;
}

/** How many classes stand before `label` when sorted by score; of equal scores the lower index is first. */
function rankOf(scores: ArrayLike<number>, label: number): number {
  const own = scores[label]!;
  if (Number.isNaN(own)) return Number.POSITIVE_INFINITY;
  let before = 0;
  for (let i = 0; i < scores.length; i++) {
    const other = scores[i]!;
    if (other > own || (other === own && i < label)) before++;
  }
  return before;
}

type Confusion = ReadonlyMap<number, ReadonlyMap<number, number>>;

function classScores(confusion: Confusion): ClassScore[] {
  const supports = new Map<number, number>();
  const predictions = new Map<number, number>();
  for (const { truth, predicted, count } of sparse(confusion)) {
    supports.set(truth, (supports.get(truth) ?? 0) + count);
    predictions.set(predicted, (predictions.get(predicted) ?? 0) + count);
  }
  const labels = [...new Set([...supports.keys(), ...predictions.keys()])].sort((a, b) => a - b);
  return labels.map((label) => {
    const hit = confusion.get(label)?.get(label) ?? 0;
    const support = supports.get(label) ?? 0;
    const predicted = predictions.get(label) ?? 0;
    return {
      label,
      precision: predicted > 0 ? hit / predicted : null,
      recall: support > 0 ? hit / support : null,
      f1: (2 * hit) / (support + predicted),
      support,
    };
  });
}

function averaged(perClass: readonly ClassScore[], weight: (c: ClassScore) => number): Scores {
  const total = perClass.reduce((n, c) => n + weight(c), 0);
  const over = (key: 'precision' | 'recall' | 'f1') =>
    total > 0 ? perClass.reduce((n, c) => n + (c[key] ?? 0) * weight(c), 0) / total : null;
  return { precision: over('precision'), recall: over('recall'), f1: over('f1') };
}

const sparse = (confusion: Confusion) =>
  [...confusion]
    .flatMap(([truth, row]) => [...row].map(([predicted, count]) => ({ truth, predicted, count })))
    .sort((a, b) => a.truth - b.truth || a.predicted - b.predicted);

/** The confusion counts as a table: rows truth, columns prediction, both in the order of `perClass`. */
export function confusionMatrix(result: Pick<ClassificationResult, 'perClass' | 'confusion'>): number[][] {
  const place = new Map(result.perClass.map((c, i) => [c.label, i]));
  const table = result.perClass.map(() => result.perClass.map(() => 0));
  for (const { truth, predicted, count } of result.confusion)
    table[place.get(truth)!]![place.get(predicted)!] = count;
  return table;
}
