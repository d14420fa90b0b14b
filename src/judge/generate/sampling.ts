/** Chooses the next token from its scores. Order of the steps as in transformers: temperature, top-k, top-p. */
import { generationOption, logitsNotNumbers } from '../../support/diagnostics/generation.ts';
import { createRandom } from '../../support/random.ts';

export interface SamplingOptions {
  /** Divides the scores; 0 always takes the best. Default: 0, or 1 when topK or topP is given. */
  readonly temperature?: number | undefined;
  /** Only the k best, and what is as good as the last of them. */
  readonly topK?: number | undefined;
  /** Only the best that together reach this probability. */
  readonly topP?: number | undefined;
  /** Same seed, same text (default: 0). */
  readonly seed?: number | undefined;
}

/** A token from the scores of all. */
export type Sampler = (scores: Float32Array) => number;

/** A way to draw tokens.
 *  @param stream  texts made side by side draw from streams of their own
 *  @example
 *  const sample = createSampler({ temperature: 0.8, topK: 40, seed: 1 });
 *  @throws GENERATION_OPTION; the sampler: LOGITS_NOT_NUMBERS */
export function createSampler(options: SamplingOptions = {}, stream = 0): Sampler {
  const { topK, topP, seed = 0 } = options;
  const temperature = options.temperature ?? (topK !== undefined || topP !== undefined ? 1 : 0);
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw generationOption('temperature', 'a number from 0 up', temperature);
  if (topK !== undefined && !(Number.isInteger(topK) && topK > 0))
    throw generationOption('topK', 'a number from 1 up', topK);
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    throw generationOption('topP', 'above 0 and at most 1', topP);
  if (temperature === 0) return best;
  const random = createRandom((seed + Math.imul(stream, 0x9e3779b9)) >>> 0);
  return (scores) => {
    const weights = softmax(scores, temperature, topK === undefined ? null : atRank(scores, topK));
    const least = topP === undefined || topP === 1 ? 0 : nucleus(weights, topP);
    return draw(weights, least, random.next());
  };
}

/** Place of the largest, the first of equals. */
function best(scores: Float32Array): number {
  let at = -1;
  for (let i = 0; i < scores.length; i++)
    if (!Number.isNaN(scores[i]!) && (at < 0 || scores[i]! > scores[at]!)) at = i;
  if (at < 0) throw logitsNotNumbers();
  return at;
}

/** The k-th largest score. */
function atRank(scores: Float32Array, k: number): number {
  const sorted = scores.filter((s) => !Number.isNaN(s)).sort();
  return sorted[Math.max(0, sorted.length - k)] ?? Number.NEGATIVE_INFINITY;
}

/** Probabilities; 0 for scores below `least` and for NaN. */
function softmax(scores: Float32Array, temperature: number, least: number | null): Float64Array {
  const top = scores[best(scores)]!;
  const weights = new Float64Array(scores.length);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (Number.isNaN(score) || (least !== null && score < least)) continue;
    // Equal infinities have no difference.
    weights[i] = score === top ? 1 : Math.exp((score - top) / temperature);
    sum += weights[i]!;
  }
  for (let i = 0; i < weights.length; i++) weights[i]! /= sum;
  return weights;
}

/** The least probability in the smallest set of the most probable that reaches p together. */
function nucleus(weights: Float64Array, p: number): number {
  const sorted = weights.slice().sort();
  let sum = 0;
  for (let i = sorted.length - 1; i >= 0; i--) {
    sum += sorted[i]!;
    if (sum >= p) return sorted[i]!;
  }
  return 0;
}

/** @param place  in [0, 1): where in the kept weights, laid end to end */
function draw(weights: Float64Array, least: number, place: number): number {
  let total = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++)
    if (weights[i]! >= least && weights[i]! > 0) {
      total += weights[i]!;
      last = i;
    }
  let rest = place * total;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i]! < least || weights[i]! === 0) continue;
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return last;
}
