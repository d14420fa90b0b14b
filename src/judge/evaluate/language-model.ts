/** Perplexity of a decoder on texts longer than it can see: windows that slide over them. */

import type { Watchable } from '../../compute/engine/run-context.ts';
import type { TokenRows } from '../../data/text/feeds.ts';
import { allPositionsNeeded, tooFewTokens, windowInvalid } from '../../support/diagnostics/generation.ts';
import type { Decoder } from '../generate/decoder.ts';
import { createPerplexityMeter, type PerplexityResult } from './perplexity.ts';

export interface TextPerplexityOptions extends Watchable {
  /** Tokens that the model sees at once (default: all it can, or 1024). Each window begins without memory. */
  readonly window?: number | undefined;
  /** Tokens from one window's begin to the next (default: the window). A smaller one gives more context to what is
   *  counted, and takes longer. */
  readonly stride?: number | undefined;
  /** Windows at most, from the begin of the data. */
  readonly limit?: number | undefined;
  /** Length of some tokens as text, for bits a character and a byte. */
  readonly textLength?: ((ids: readonly number[]) => TextLength) | undefined;
}

export interface TextLength {
  /** Unicode code points. */
  readonly characters: number;
  /** In UTF-8. */
  readonly bytes: number;
}

export interface TextPerplexityResult extends PerplexityResult {
  /** null without `textLength`. */
  readonly bitsPerByte: number | null;
  readonly windows: number;
  readonly window: number;
  readonly stride: number;
}

/** Numbers of a run's logits at most: 64 MB. */
const logitsLimit = 16e6;

/** Every token but the first of each text is predicted once, from at most `window` tokens before it.
 *  @param texts  token ids
 *  @throws TOO_FEW_TOKENS, WINDOW_INVALID, ALL_POSITIONS_NEEDED, LABEL_RANGE, what the engine throws */
export async function textPerplexity(
  decoder: Decoder,
  texts: TokenRows,
  options: TextPerplexityOptions = {},
): Promise<TextPerplexityResult> {
  const { window, stride } = sizes(decoder, options);
  const tokens = Math.max(0, ...texts.map((t) => t.length));
  if (tokens < 2) throw tooFewTokens(tokens);
  const all = texts.flatMap((text) => windowsOf(text, window, stride));
  const windows = all.slice(0, options.limit ?? all.length);
  const meter = createPerplexityMeter();
  let batch = Math.min(8, decoder.maxBatch ?? 8);
  for (let at = 0; at < windows.length; ) {
    options.signal?.throwIfAborted();
    const group = sameLength(windows, at, batch);
    const run = await decoder.start(group.map((w) => w.text.slice(w.from, w.to)));
    const { logits } = run;
    const length = group[0]!.to - group[0]!.from;
    if (logits.length !== length) throw allPositionsNeeded(decoder.kind);
    for (const [row, w] of group.entries()) {
      const start = row * length * logits.vocabulary;
      const scores = logits.values.subarray(start, start + length * logits.vocabulary);
      meter.add(scores, logits.vocabulary, targetsOf(w));
    }
    at += group.length;
    batch = Math.max(1, Math.floor(logitsLimit / (window * logits.vocabulary)));
    batch = Math.min(batch, 64, decoder.maxBatch ?? 64);
    options.onProgress?.(at, windows.length);
  }
  const result = meter.result();
  const length = options.textLength ? lengthOf(windows, options.textLength) : null;
  const bits = (result.nll! * result.tokens) / Math.LN2;
  return {
    ...result,
    bitsPerCharacter: length && length.characters > 0 ? bits / length.characters : null,
    bitsPerByte: length && length.bytes > 0 ? bits / length.bytes : null,
    windows: windows.length,
    window,
    stride,
  };
}

function sizes(
  { maxLength }: Decoder,
  { window = maxLength ?? 1024, stride = window }: TextPerplexityOptions,
): { window: number; stride: number } {
  if (!(window >= 1) || (maxLength !== null && window > maxLength))
    throw windowInvalid(
      `The window is ${window} tokens; this model sees ${maxLength ?? 'any number'}, 1 at least.`,
    );
  if (!(stride >= 1 && stride <= window))
    throw windowInvalid(`The stride is ${stride} tokens, the window ${window}: tokens would be left out.`);
  return { window, stride };
}

interface Window {
  readonly text: readonly number[];
  /** What the model reads. */
  readonly from: number;
  readonly to: number;
  /** The first token that is counted here; the last is the one at `to`. */
  readonly counted: number;
}

function windowsOf(text: readonly number[], window: number, stride: number): Window[] {
  const windows: Window[] = [];
  const last = text.length - 1;
  for (let from = 0, counted = 1; counted <= last; from += stride) {
    const to = Math.min(from + window, last);
    windows.push({ text, from, to, counted });
    counted = to + 1;
  }
  return windows;
}

function sameLength(windows: readonly Window[], at: number, most: number): Window[] {
  const length = windows[at]!.to - windows[at]!.from;
  const group: Window[] = [];
  for (let i = at; i < windows.length && group.length < most; i++) {
    if (windows[i]!.to - windows[i]!.from !== length) break;
    group.push(windows[i]!);
  }
  return group;
}

/** The token after each position, −100 for those that an earlier window counted. */
const targetsOf = ({ text, from, to, counted }: Window) =>
  text.slice(from + 1, to + 1).map((id, i) => (from + 1 + i < counted ? -100 : id));

/** Of all tokens counted: what stands before a text's second token is taken off its length. */
function lengthOf(windows: readonly Window[], measure: (ids: readonly number[]) => TextLength): TextLength {
  const ends = new Map<readonly number[], number>();
  for (const { text, to } of windows) ends.set(text, to + 1);
  let [characters, bytes] = [0, 0];
  for (const [text, end] of ends) {
    const [all, first] = [measure(text.slice(0, end)), measure(text.slice(0, 1))];
    characters += all.characters - first.characters;
    bytes += all.bytes - first.bytes;
  }
  return { characters, bytes };
}
