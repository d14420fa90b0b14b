/** The one measuring routine, used in Node, in child processes and in pages. Repeats until the median is known well
 *  enough or time is up; keeps every sample, so that a report can show more than one number. */

import type { Session } from '../../compute/engine/contract.ts';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { median, medianInterval, quantile } from '../../support/statistics.ts';

export interface MeasureOptions extends Stoppable {
  /** Runs after the first one that are not counted; default 3. One is enough once they have taken maxMs. */
  readonly warmup?: number;
  /** Warm-up goes on for at least this long; default 0. wasm needs it: V8 starts with slow code and compiles what is
   *  hot again in the background, so that a 1 ms model is still speeding up after a hundred runs. */
  readonly warmupMs?: number;
  /** Default 10. */
  readonly minRepetitions?: number;
  /** Default 200. */
  readonly maxRepetitions?: number;
  /** Stop once half the width of the median's 95 % interval is below this share of the median; default 0.02. */
  readonly precision?: number;
  /** Go on for at least this long, however well the median is known; default 0. Other load on a machine comes in bursts:
   *  200 runs of half a millisecond may all fall into one. */
  readonly minMs?: number;
  /** Time for the counted repetitions (of all models together where they take turns); default 5000. */
  readonly maxMs?: number;
}

const defaultMaxMs = 5000;

export interface Measurement {
  /** Until the session stood: parsing, optimising, packing weights. The runtime itself was loaded before. */
  readonly createMs: number;
  /** The first run allocates and plans memory; in a page it is what the first answer costs. */
  readonly firstRunMs: number;
  readonly warmup: number;
  /** Every counted repetition, in order. */
  readonly samplesMs: readonly number[];
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly minMs: number;
  /** 95 % interval of the median, from order statistics; no distribution is assumed. */
  readonly intervalMs: readonly [number, number];
}

export interface Candidate {
  open(): Promise<Session>;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

export async function measure(
  open: () => Promise<Session>,
  feeds: Readonly<Record<string, Tensor>>,
  options: MeasureOptions = {},
): Promise<Measurement> {
  const subject = await start({ open, feeds }, options);
  try {
    await repeat(options, async () => {
      await sample(subject);
      return relativeHalfWidth(subject.samples);
    });
    return summarize(subject);
  } finally {
    await subject.session.close();
  }
}

/** Measures models by turns in one process or page, so that heat, other load and drift hit all alike. Another one begins
 *  each round (A B, B A, …), so that none profits from its place. All are open at once.
 *  @returns in the order of the candidates; the same number of samples for each, the i-th of one the neighbour of the
 *    others' i-th */
export async function measureByTurns(
  candidates: readonly Candidate[],
  options: MeasureOptions = {},
): Promise<Measurement[]> {
  const subjects: Subject[] = [];
  try {
    for (const candidate of candidates) subjects.push(await start(candidate, options));
    await repeat(options, async (i) => {
      const begin = i % subjects.length;
      for (const subject of [...subjects.slice(begin), ...subjects.slice(0, begin)]) await sample(subject);
      return Math.max(...subjects.map(({ samples }) => relativeHalfWidth(samples)));
    });
    return subjects.map(summarize);
  } finally {
    for (const { session } of subjects.reverse()) await session.close();
  }
}

interface Subject {
  readonly session: Session;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly createMs: number;
  readonly firstRunMs: number;
  readonly warmup: number;
  readonly samples: number[];
}

async function start(candidate: Candidate, options: MeasureOptions): Promise<Subject> {
  options.signal?.throwIfAborted();
  const { feeds } = candidate;
  let begin = performance.now();
  const session = await candidate.open();
  const createMs = performance.now() - begin;
  try {
    begin = performance.now();
    await session.run(feeds);
    const firstRunMs = performance.now() - begin;
    const { warmup: wanted = 3, warmupMs = 0, maxMs = defaultMaxMs } = options;
    const start = performance.now();
    const elapsed = () => performance.now() - start;
    let warmup = 0;
    for (; (warmup < wanted && (warmup === 0 || elapsed() < maxMs)) || elapsed() < warmupMs; warmup++) {
      options.signal?.throwIfAborted();
      await session.run(feeds);
    }
    return { session, feeds, createMs, firstRunMs, warmup, samples: [] };
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function sample(subject: Subject): Promise<void> {
  const begin = performance.now();
  await subject.session.run(subject.feeds);
  subject.samples.push(performance.now() - begin);
}

/** `step` returns how far the median is known, as a share of it. */
async function repeat(options: MeasureOptions, step: (i: number) => Promise<number>): Promise<void> {
  const {
    minRepetitions = 10,
    maxRepetitions = 200,
    precision = 0.02,
    minMs = 0,
    maxMs = defaultMaxMs,
    signal,
  } = options;
  const begin = performance.now();
  for (let i = 0; i < Math.max(1, maxRepetitions); i++) {
    signal?.throwIfAborted();
    const known = await step(i);
    const elapsed = performance.now() - begin;
    // Even when time is short there are three samples: a median of fewer says nothing about spread.
    if (i >= 2 && elapsed > maxMs) return;
    if (i + 1 >= minRepetitions && known < precision && elapsed >= minMs) return;
  }
}

function relativeHalfWidth(samples: readonly number[]): number {
  const [low, high] = medianInterval(samples);
  return (high - low) / 2 / median(samples);
}

const summarize = ({ createMs, firstRunMs, warmup, samples }: Subject): Measurement => ({
  createMs,
  firstRunMs,
  warmup,
  samplesMs: samples,
  medianMs: median(samples),
  p90Ms: quantile(samples, 0.9),
  minMs: Math.min(...samples),
  intervalMs: medianInterval(samples),
});
