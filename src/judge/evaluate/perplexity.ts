/** How well a language model predicts what comes next, one sequence at a time. */
import { labelRange } from '../../support/diagnostics/data.ts';

export interface PerplexityMeter {
  /** @param logits  [tokens, vocabulary], row by row; row t scores the token `targets[t]` (the caller
   *  shifts by one)
   *  @param targets  token ids; negative ones (−100 by convention) are not counted
   *  @param characters  length of the targets as text, where known, for bits per character
   *  @throws LABEL_RANGE for a token outside the vocabulary */
  add(logits: ArrayLike<number>, vocabulary: number, targets: ArrayLike<number>, characters?: number): void;
  result(): PerplexityResult;
}

export interface PerplexityResult {
  /** Tokens counted. */
  readonly tokens: number;
  /** Mean negative log-likelihood in nats a token; null before the first token. */
  readonly nll: number | null;
  /** exp(nll). */
  readonly perplexity: number | null;
  readonly bitsPerToken: number | null;
  /** null unless every `add` gave its characters. */
  readonly bitsPerCharacter: number | null;
}

/** Adds up how well tokens were predicted.
 *  @example
 *  const meter = createPerplexityMeter();
 *  meter.add(logits, 50257, targets);
 *  console.log(meter.result().perplexity); */
export function createPerplexityMeter(): PerplexityMeter {
  let tokens = 0;
  let nats = 0;
  let characters: number | null = 0;
  return {
    add(logits, vocabulary, targets, length) {
      if (logits.length !== targets.length * vocabulary)
        throw new RangeError(`${logits.length} logits for ${targets.length} targets of ${vocabulary}`);
      for (let t = 0; t < targets.length; t++) {
        const target = targets[t]!;
        if (target < 0) continue;
        if (target >= vocabulary) throw labelRange(target, vocabulary);
        nats += negativeLogLikelihood(logits, t * vocabulary, vocabulary, target);
        tokens++;
      }
      characters = length === undefined || characters === null ? null : characters + length;
    },
    result() {
      const nll = tokens > 0 ? nats / tokens : null;
      return {
        tokens,
        nll,
        perplexity: nll === null ? null : Math.exp(nll),
        bitsPerToken: nll === null ? null : nll / Math.LN2,
        bitsPerCharacter: characters ? nats / Math.LN2 / characters : null,
      };
    },
  };
}

/** log Σ exp(x) − x[target], with the largest taken out first so that nothing overflows. */
function negativeLogLikelihood(
  logits: ArrayLike<number>,
  start: number,
  length: number,
  target: number,
): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = start; i < start + length; i++) top = Math.max(top, logits[i]!);
  let sum = 0;
  for (let i = start; i < start + length; i++) sum += Math.exp(logits[i]! - top);
  return top + Math.log(sum) - logits[start + target]!;
}
