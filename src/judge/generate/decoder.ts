/** What generating asks of a model: after some tokens, scores of the next. Four kinds of graph serve it
 *  (window.ts, cache.ts, recurrent.ts, encoder-decoder.ts); open.ts finds which one a model is. */

import type { TokenRows } from '../../data/text/feeds.ts';

export type DecoderKind = 'window' | 'cache' | 'recurrent' | 'encoder-decoder';

/** Scores of the token that comes after each position: [batch, length, vocabulary], row by row. */
export interface Logits {
  readonly batch: number;
  readonly length: number;
  readonly vocabulary: number;
  readonly values: Float32Array;
}

export interface Decoder {
  readonly kind: DecoderKind;
  /** Most tokens that the model sees at once; null where nothing in it sets a limit. */
  readonly maxLength: number | null;
  /** Rows that fit into one run, where the graph fixes its batch; else null. */
  readonly maxBatch: number | null;
  /** Reads the prompts (for an encoder–decoder: the source, after which the start token is fed).
   *  @throws PROMPT_EMPTY, what sessions throw */
  start(prompts: TokenRows): Promise<DecoderRun>;
}

export interface DecoderRun {
  /** Of the prompt's positions, its last `maxLength` where it is longer; of the start token alone for an
   *  encoder–decoder. */
  readonly logits: Logits;
  /** Feeds tokens to every row; logits of the positions fed. */
  advance(tokens: TokenRows): Promise<Logits>;
}

/** Scores after one position of one row, the last by default; a view. */
export function scoresAt({ length, vocabulary, values }: Logits, row: number, at = length - 1): Float32Array {
  const start = (row * length + at) * vocabulary;
  return values.subarray(start, start + vocabulary);
}
