/** Made-up inputs on which agreement with the original means something, chosen by what the original makes of a number of them in the time
 *  that there is. */
import type { EngineName, Session } from '../compute/engine/contract.ts';
import { openOn } from '../compute/engine/open-model.ts';
import type { RunContext } from '../compute/engine/run-context.ts';
import type { DataSource } from '../data/source.ts';
import { choicesIn, chooseTelling, varietyOf } from '../judge/task/choose-telling.ts';
import type { Task } from '../judge/task/task.ts';
import { answerReader, type ReadAnswer, type Told } from '../judge/task/telling.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { createBreather } from '../support/breathe.ts';
import { feedsFor } from './run-pair.ts';
import { macsOn } from './sample-macs.ts';

/** Time that the original may take: over a pool that is looked at, and over those that are compared then. */
const budgetMs = { pool: 3000, chosen: 2000 };

/** A model of which one run takes longer is not asked before it is compared. */
const slowMs = 5000;

/** Samples: of each way that inputs may be meant, of the pool, and of what is compared. */
const samples = { fewest: 4, ofWay: 16, ofPool: 128, chosen: 32 };

/** Multiply–accumulates in a millisecond that two slow cores manage. Numbers of samples follow it, so that they are the same wherever the
 *  machine isn't `slower` still by so many times. */
const macsPerMs = { node: 2e7, wasm: 5e6 };
const slower = 6;

/** So many answers must differ from the usual one before other ways are not looked at any more. */
const variedEnough = 0.2;

export interface ChosenInputs {
  readonly source: DataSource;
  /** Ascending. */
  readonly indices: readonly number[];
  /** How many different choices the original makes of them; null where its answers are no choice, or were not looked at. */
  readonly choices: number | null;
  /** 0 to 1; null where nothing was looked at. */
  readonly variety: number | null;
}

export const poolSize = samples.ofPool;

interface ChooseOptions extends RunContext {
  /** On which the models are compared then. */
  readonly comparedOn: EngineName;
  readonly task: Task;
  /** The same samples in other ranges, at least `poolSize` of each, the likeliest first. */
  readonly ways: readonly DataSource[];
}

/** @throws what the engine throws where the model doesn't take them */
export async function chooseInputs(opened: OpenedModel, options: ChooseOptions): Promise<ChosenInputs> {
  const { engine, task, ways } = options;
  const session = await openOn(engine, opened);
  try {
    const { macs, measured } = await costOf(opened, session, ways[0]!);
    const ms = { here: macs / macsPerMs[engine.name], there: macs / macsPerMs[options.comparedOn] };
    const late = measured > slower * ms.here ? measured / Math.max(ms.here, 0.1) : 1;
    const pool = fitting(budgetMs.pool / (late * ms.here), samples.ofPool);
    const compared = fitting(budgetMs.chosen / (late * ms.there), samples.chosen);
    if (measured > slowMs) {
      const indices = Array.from({ length: samples.fewest }, (_, i) => i);
      return { source: ways[0]!, indices, choices: null, variety: null };
    }
    const tell = () => answerReader({ task, inputs: session.inputs, outputs: session.outputs });
    const look = await bestWay(session, { ...options, tell, count: Math.min(pool, samples.ofWay), pool });
    const answers = await lookAt(session, look.source, {
      ...options,
      tell: look.tell,
      from: look.answers,
      to: pool,
    });
    const indices = chooseTelling(answers, compared);
    const chosen = indices.map((i) => answers[i]!);
    const variety = varietyOf(chosen);
    // A detector that finds nothing says the same to all.
    return { source: look.source, indices, choices: variety === 0 ? 1 : choicesIn(chosen), variety };
  } finally {
    await session.close();
  }
}

/** A power of two, so that small differences in time change nothing. */
const fitting = (count: number, most: number): number =>
  Math.max(samples.fewest, Math.min(most, 2 ** Math.floor(Math.log2(Math.max(1, count)))));

/** Of a sample: the arithmetic of its run, at least a little; and milliseconds in which it was made and run, not the first time where there
 *  is time for another. */
async function costOf(
  opened: OpenedModel,
  session: Session,
  source: DataSource,
): Promise<{ macs: number; measured: number }> {
  const { inputs } = await source.read(0);
  const feeds = feedsFor(session, { id: '', inputs });
  const first = await timed(() => session.run(feeds));
  const again = async () => session.run(feedsFor(session, await source.read(1)));
  const measured = first > slowMs ? first : Math.min(first, await timed(again));
  return { macs: Math.max(1e6, macsOn(opened.model, inputs)), measured };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

interface Look {
  readonly source: DataSource;
  readonly answers: readonly Told[];
  readonly tell: ReadAnswer;
}

/** The first way in which the original's answers differ enough, else that in which they differ most. */
async function bestWay(
  session: Session,
  options: Omit<ChooseOptions, 'task'> & {
    readonly tell: () => ReadAnswer;
    readonly count: number;
    readonly pool: number;
  },
): Promise<Look> {
  let best: (Look & { readonly variety: number }) | null = null;
  for (const source of options.ways) {
    const tell = options.tell();
    const answers = await lookAt(session, source, { ...options, tell, from: [], to: options.count });
    const variety = varietyOf(answers);
    if (!best || variety > best.variety) best = { source, answers, tell, variety };
    if (variety >= variedEnough) break;
  }
  return best!;
}

async function lookAt(
  session: Session,
  source: DataSource,
  {
    tell,
    from,
    to,
    signal,
    onProgress,
  }: Pick<ChooseOptions, 'signal' | 'onProgress'> & {
    readonly tell: ReadAnswer;
    readonly from: readonly Told[];
    readonly to: number;
  },
): Promise<readonly Told[]> {
  const answers = [...from];
  const breathe = createBreather();
  for (let i = answers.length; i < Math.min(to, source.length); i++) {
    signal?.throwIfAborted();
    answers.push(tell(await session.run(feedsFor(session, await source.read(i)))));
    onProgress?.(i + 1, to);
    await breathe();
  }
  return answers;
}
