/** BLEU of a corpus as sacreBLEU defines it (Papineni et al. 2002; Post 2018, arXiv:1804.08771): modified n-gram
 *  precisions up to 4, their geometric mean, times the brevity penalty. Source: sacreBLEU 2.6, metrics/bleu.py. */
import { bleuCounts } from '../../support/diagnostics/generation.ts';
import { type BleuTokenizer, tokenizeForBleu } from './bleu-tokenize.ts';

export interface BleuOptions {
  readonly tokenizer?: BleuTokenizer | undefined;
  readonly lowercase?: boolean | undefined;
  /** What an n-gram order without any match counts as: 'exp' halves for each such order (NIST, the default), 'floor'
   *  counts 0.1 matches, 'add-k' adds one match and one n-gram from bigrams on. */
  readonly smoothing?: 'exp' | 'floor' | 'add-k' | 'none' | undefined;
  /** Leave out orders that the text is too short for: for single sentences. */
  readonly effectiveOrder?: boolean | undefined;
}

export interface BleuResult {
  /** 0 to 100; null before the first segment. */
  readonly score: number | null;
  /** Percent, by order from 1 to 4. */
  readonly precisions: readonly number[];
  readonly brevityPenalty: number;
  readonly hypothesisLength: number;
  /** Of the references closest in length. */
  readonly referenceLength: number;
  readonly segments: number;
  /** How it was computed, in sacreBLEU's form: "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"; the
   *  version is that of the definition. */
  readonly signature: string;
}

export interface BleuMeter {
  /** A segment and what it should have been, one text or several. */
  add(hypothesis: string, references: string | readonly string[]): void;
  result(): BleuResult;
}

const orders = [1, 2, 3, 4] as const;
const definition = '2.6.0';

/** Memory does not grow with the segments. */
export function createBleuMeter(options: BleuOptions = {}): BleuMeter {
  const { tokenizer = '13a', lowercase = false } = options;
  const correct = orders.map(() => 0);
  const total = orders.map(() => 0);
  const counts = new Set<number>();
  let [segments, hypothesisLength, referenceLength] = [0, 0, 0];
  const tokens = (text: string) => tokenizeForBleu(lowercase ? text.toLowerCase() : text, tokenizer);
  return {
    add(hypothesis, given) {
      const references = (typeof given === 'string' ? [given] : given).map(tokens);
      if (references.length === 0) throw bleuCounts(1, 0);
      const own = tokens(hypothesis);
      const most = references.map(ngramCounts).reduce(largerCounts);
      for (const [ngram, count] of ngramCounts(own)) {
        const order = ngram.split(' ').length - 1;
        total[order]! += count;
        correct[order]! += Math.min(count, most.get(ngram) ?? 0);
      }
      counts.add(references.length);
      segments++;
      hypothesisLength += own.length;
      referenceLength += closest(
        own.length,
        references.map((r) => r.length),
      );
    },
    result() {
      const brevityPenalty = penalty(hypothesisLength, referenceLength);
      const { precisions, order } = precisionsOf(correct, total, options);
      const logs = precisions.slice(0, order).map((p) => (p > 0 ? Math.log(p) : Number.NEGATIVE_INFINITY));
      const score = brevityPenalty * Math.exp(logs.reduce((a, b) => a + b, 0) / order);
      return {
        score: segments === 0 ? null : score,
        precisions,
        brevityPenalty,
        hypothesisLength,
        referenceLength,
        segments,
        signature: signatureOf(options, counts),
      };
    },
  };
}

/** BLEU of a whole corpus. @throws BLEU_COUNTS */
export function corpusBleu(
  hypotheses: readonly string[],
  references: readonly (string | readonly string[])[],
  options: BleuOptions = {},
): BleuResult {
  if (hypotheses.length !== references.length) throw bleuCounts(hypotheses.length, references.length);
  const meter = createBleuMeter(options);
  for (const [i, hypothesis] of hypotheses.entries()) meter.add(hypothesis, references[i]!);
  return meter.result();
}

/** Tokens hold no space, so that joined by one they are a key. */
function ngramCounts(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const n of orders)
    for (let i = 0; i + n <= tokens.length; i++) {
      const ngram = tokens.slice(i, i + n).join(' ');
      counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
    }
  return counts;
}

function largerCounts(a: Map<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  for (const [ngram, count] of b) a.set(ngram, Math.max(a.get(ngram) ?? 0, count));
  return a;
}

/** The shorter of two that are equally close. */
const closest = (length: number, lengths: readonly number[]) =>
  lengths.reduce((best, l) => {
    const [d, e] = [Math.abs(l - length), Math.abs(best - length)];
    return d < e || (d === e && l < best) ? l : best;
  });

function penalty(hypothesis: number, reference: number): number {
  if (hypothesis >= reference) return 1;
  return hypothesis > 0 ? Math.exp(1 - reference / hypothesis) : 0;
}

/** @returns order  how many of the precisions are averaged */
function precisionsOf(
  correct: readonly number[],
  total: readonly number[],
  { smoothing = 'exp', effectiveOrder = false }: BleuOptions,
): { precisions: number[]; order: number } {
  const precisions = orders.map(() => 0);
  let order: number = orders.length;
  if (correct.every((c) => c === 0)) return { precisions, order };
  let halving = 1;
  for (const n of orders) {
    const added = smoothing === 'add-k' && n > 1 ? 1 : 0;
    const [hits, all] = [correct[n - 1]! + added, total[n - 1]! + added];
    if (all === 0) break;
    if (effectiveOrder) order = n;
    if (hits === 0 && smoothing === 'exp') halving *= 2;
    const counted = hits > 0 ? hits : smoothing === 'exp' ? 1 / halving : smoothing === 'floor' ? 0.1 : 0;
    precisions[n - 1] = (100 * counted) / all;
  }
  return { precisions, order };
}

function signatureOf(options: BleuOptions, counts: ReadonlySet<number>): string {
  const { tokenizer = '13a', lowercase = false, smoothing = 'exp', effectiveOrder = false } = options;
  const values = { floor: '[0.10]', 'add-k': '[1.00]', exp: '', none: '' };
  const parts = [
    `nrefs:${counts.size === 1 ? [...counts][0] : counts.size === 0 ? 1 : 'var'}`,
    `case:${lowercase ? 'lc' : 'mixed'}`,
    `eff:${effectiveOrder ? 'yes' : 'no'}`,
    `tok:${tokenizer}`,
    `smooth:${smoothing}${values[smoothing]}`,
    `version:${definition}`,
  ];
  return parts.join('|');
}
