/** Writes on from a prompt, token by token. */
import type { Stoppable, Tell } from '../../compute/engine/run-context.ts';
import { generationOption } from '../../support/diagnostics/generation.ts';
import { type Decoder, scoresAt } from './decoder.ts';
import { createSampler, type SamplingOptions } from './sampling.ts';

export interface GenerateOptions extends SamplingOptions, Stoppable {
  /** Tokens to write, at most (default: 128). */
  readonly maxTokens?: number | undefined;
  /** Writing one of these ends the text; it is not part of it. */
  readonly stopTokens?: readonly number[] | undefined;
}

/** Tokens after the prompt (for an encoder–decoder, the text made of it), each as soon as it is chosen. The first
 *  costs a run over the prompt.
 *  @example
 *  for await (const token of generate(decoder, prompt, { maxTokens: 20, temperature: 0 })) console.log(token);
 *  @throws PROMPT_EMPTY, GENERATION_OPTION, LOGITS_NOT_NUMBERS, what the engine throws */
export async function* generate(
  decoder: Decoder,
  prompt: readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<number, void, void> {
  for await (const [token] of steps(decoder, [prompt], options)) {
    if (token === null || token === undefined) return;
    yield token;
  }
}

/** What `generate` gives for each of many prompts; prompts of the same length share their runs.
 *  @returns the tokens written, in the order of the prompts
 *  @throws what generate throws */
export async function generateAll(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions & {
    /** Prompts that run side by side, at most (default: 64). */
    readonly batch?: number | undefined;
    readonly onProgress?: Tell | undefined;
  } = {},
): Promise<number[][]> {
  const batch = Math.min(options.batch ?? 64, decoder.maxBatch ?? Number.POSITIVE_INFINITY);
  if (!(batch >= 1)) throw generationOption('batch', 'a number from 1 up', batch);
  const written: number[][] = prompts.map(() => []);
  let done = 0;
  for (const group of groupsOf(prompts, batch)) {
    const texts = group.map((i) => prompts[i]!);
    for await (const tokens of steps(decoder, texts, options, group))
      for (const [k, token] of tokens.entries()) if (token !== null) written[group[k]!]!.push(token);
    done += group.length;
    options.onProgress?.(done, prompts.length);
  }
  return written;
}

/** Indices of prompts of equal length, at most `batch` together, in the order in which they first come. */
function groupsOf(prompts: readonly (readonly number[])[], batch: number): number[][] {
  const byLength = new Map<number, number[]>();
  for (const [i, { length }] of prompts.entries()) byLength.set(length, [...(byLength.get(length) ?? []), i]);
  return [...byLength.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / batch) }, (_, k) => all.slice(k * batch, (k + 1) * batch)),
  );
}

/** One token for each row a step; null for rows that have ended. Ends when all have.
 *  @param streams  numbers of the rows' random streams */
async function* steps(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
  streams: readonly number[] = [0],
): AsyncGenerator<(number | null)[], void, void> {
  const { maxTokens = 128, stopTokens = [], signal } = options;
  if (!(Number.isInteger(maxTokens) && maxTokens > 0))
    throw generationOption('maxTokens', 'a number from 1 up', maxTokens);
  const samplers = prompts.map((_, i) => createSampler(options, streams[i]));
  const stop = new Set(stopTokens);
  const ended = prompts.map(() => false);
  signal?.throwIfAborted();
  const run = await decoder.start(prompts);
  let { logits } = run;
  for (let n = 1; ; n++) {
    // Rows that have ended go on beside the others, unread: a batch keeps its size.
    const chosen = prompts.map((_, i) => (ended[i] ? 0 : samplers[i]!(scoresAt(logits, i))));
    for (const [i, token] of chosen.entries()) if (stop.has(token)) ended[i] = true;
    if (ended.every(Boolean)) return;
    yield chosen.map((token, i) => (ended[i] ? null : token));
    if (n >= maxTokens) return;
    signal?.throwIfAborted();
    logits = await run.advance(chosen.map((token) => [token]));
  }
}
