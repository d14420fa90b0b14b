/** `sweep`: many results of many models, each made once, wherever it was made; and a table of what they cost and are worth. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SweepReport } from '../judge/report/sweep-report.ts';
import { checkOutputs, inMadeFolder } from '../ship/emit/write.ts';
import { makeHiddenFolder, removeHiddenFolder } from '../support/hidden-folder.ts';
import { parseRequest } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { type RunOptions, separated } from './progress.ts';
import { type SweepRequest, type SweepRequestInit, sweepRequest } from './requests/sweep.ts';
import { type Board, createBoard } from './sweep/board.ts';
import { fetchFiles, machineText } from './sweep/do-job.ts';
import { type Estimate, type Estimator, openEstimator } from './sweep/estimate.ts';
import { localContents } from './sweep/lay-out.ts';
import { openSweepPages, sweepFiles, sweepFolder } from './sweep/pages.ts';
import { type PlannedJob, planSweep, type SweepPlan } from './sweep/plan.ts';
import { openProcesses } from './sweep/processes.ts';
import { shownQueue } from './sweep/queue/bullmq.ts';
import { type JobResult, readResult } from './sweep/result.ts';
import { runHere, usualLanes } from './sweep/run-here.ts';
import { openStore, resultName, type Store } from './sweep/store.ts';
import { parseSweep, type ReadSweep, readSweep } from './sweep/sweep-file.ts';

export type SweepOptions = SweepRequestInit & RunOptions;

/** Who watches a sweep. */
export interface SweepWatch {
  /** Before the first job. */
  begun?(board: Board): void;
  /** After each change. @param key  of the job or timing that it is about */
  changed?(board: Board, key: string): void;
  /** Something that whoever waits should know. */
  note?(text: string): void;
}

interface SweepRun extends SweepWatch {
  readonly signal?: AbortSignal | undefined;
}

/** Makes every result that a sweep asks for, each once: what is in the store already is taken from there.
 *  @param sweep  the path of a sweep's file, or what stands in one; paths are then relative to the working folder
 *  @example
 *  const { report } = await sweep('sweep.json', { output: 'out/' });
 *  for (const row of report.jobs) if (row.front) console.log(row.model, row.recipe, row.metrics);
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, SWEEP_INVALID, SWEEP_TOO_LARGE, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, what opening models and data
 *    throws; what `signal` was aborted with. A job that fails is a row with its code.
 *  @group Calls */
export async function sweep(
  sweep: string | object,
  options: SweepOptions = {},
): Promise<{ report: SweepReport }> {
  return inCallWords(sweepRequest, async () => {
    const { given, run } = separated(options);
    const request = parseRequest(sweepRequest, given);
    return { report: await sweepOver(sweep, request, { signal: run.signal }) };
  });
}

/** @throws as `sweep`; the report of what was done until then is written all the same */
export async function sweepOver(
  sweep: string | object,
  request: SweepRequest,
  run: SweepRun,
): Promise<SweepReport> {
  const read =
    typeof sweep === 'string' ? readSweep(sweep) : { name: 'sweep', sweep: parseSweep(sweep), folder: '.' };
  const output = sweepFolder(read.name, request.output);
  return inMadeFolder(output, () => sweepInto(output, read, request, run));
}

async function sweepInto(
  output: string,
  read: ReadSweep,
  request: SweepRequest,
  { signal, begun, changed, note = () => {} }: SweepRun,
): Promise<SweepReport> {
  checkOutputs(sweepFiles(output), request.force);
  const plan = await planSweep(read);
  const store = openStore(request.store);
  if (request.fresh) await forget(plan, store);
  const found = await foundIn(plan, store);
  const estimator = openEstimator();
  const lanes = request.jobs ?? usualLanes(largestModel(plan));
  const estimate = await estimateOf(plan, found, { estimator, lanes });
  const pages = openSweepPages(output, () => board.report());
  const board = createBoard(plan, {
    where: request.queue
      ? `workers of ${shownQueue(request.queue)}`
      : `this machine (${machineText()}), ${lanes} at once`,
    estimate,
    onChange: (key) => {
      pages.changed();
      changed?.(board, key);
    },
  });
  const take = async (key: string, result: JobResult, isFound: boolean) => {
    const folder = `jobs/${key.slice(0, 16)}`;
    if (result.files.length > 0) await fetchFiles(result, store, path.join(output, folder));
    board.finished(
      key,
      result,
      isFound,
      result.files.map(({ name }) => `${folder}/${name}`),
    );
  };
  for (const [key, result] of found) await take(key, result, true);
  for (const planned of plan.jobs)
    if (planned.refused) board.finished(planned.key, refusedResult(planned), false);
  begun?.(board);
  const onResult = async (key: string, result: JobResult) => {
    // Other machines' times say little of this one.
    if (result.machine === machineText()) await estimator.learn(result);
    await take(key, result, false);
  };
  try {
    if (request.queue === undefined) await doHere(plan, board, { request, store, lanes, signal, onResult });
    else {
      const { runQueued } = await import('./sweep/queue/run-queued.ts');
      const { queue: url, priority } = request;
      await runQueued(plan.jobs, board, { url, priority, store, trees: plan.trees, signal, onResult, note });
    }
  } finally {
    await pages.close();
  }
  return board.report();
}

/** Of all its files; data is not held at once. */
const largestModel = ({ jobs, trees }: SweepPlan): number =>
  jobs.reduce((most, { job }) => Math.max(most, trees.get(job.model)?.sizeBytes ?? 0), 0);

interface HereRun {
  readonly request: SweepRequest;
  readonly store: Store;
  readonly lanes: number;
  readonly signal: AbortSignal | undefined;
  readonly onResult: (key: string, result: JobResult) => Promise<void>;
}

async function doHere(plan: SweepPlan, board: Board, { request, store, lanes, signal, onResult }: HereRun) {
  const folder = makeHiddenFolder(path.join(tmpdir(), 'edgepress-sweep'));
  const processes = openProcesses();
  const contents = localContents(plan.trees, path.join(folder, 'inputs'));
  const timeoutMs = request.timeout * 60_000;
  try {
    await runHere(plan.jobs, board, {
      ...{ lanes, onResult },
      site: { store, processes, folder, signal, contents, timeoutMs },
    });
  } finally {
    processes.close();
    removeHiddenFolder(folder);
  }
}

const keysOf = ({ key, times }: PlannedJob): string[] => [key, ...times.map((time) => time.key)];

async function forget(plan: SweepPlan, store: Store): Promise<void> {
  for (const key of plan.jobs.flatMap(keysOf)) await store.remove(resultName(key));
}

async function foundIn(plan: SweepPlan, store: Store): Promise<Map<string, JobResult>> {
  const found = new Map<string, JobResult>();
  for (const key of plan.jobs.flatMap(keysOf)) {
    const result = await readResult(store, key);
    if (result) found.set(key, result);
  }
  return found;
}

const refusedResult = ({ key, job, refused }: PlannedJob): JobResult => ({
  ...{ schema: 'edgepress/job-result@1' as const, key, job, error: refused },
  ...{ metrics: null, latency: null, files: [], ms: 0, machine: machineText() },
});

interface Estimating {
  readonly estimator: Estimator;
  readonly lanes: number;
}

/** Of what is left. @returns null where nothing is */
async function estimateOf(
  plan: SweepPlan,
  found: ReadonlyMap<string, JobResult>,
  { estimator, lanes }: Estimating,
): Promise<Estimate | null> {
  const left = plan.jobs.filter(({ refused }) => !refused);
  const work = left.filter(({ key }) => !found.has(key)).map(({ job }) => job);
  const times = left
    .filter(({ key }) => !found.get(key)?.error)
    .flatMap((planned) => planned.times.filter(({ key }) => !found.has(key)).map(({ job }) => job));
  if (work.length + times.length === 0) return null;
  const bytesOf = (model: string) => plan.trees.get(model)?.sizeBytes ?? 0;
  const estimates = async (jobs: readonly (typeof work | typeof times)[number][]) =>
    Promise.all(jobs.map((job) => estimator.of(job, bytesOf(job.model))));
  const [worked, timed] = [await estimates(work), await estimates(times)];
  const sum = (list: readonly { ms: number }[]) => list.reduce((total, { ms }) => total + ms, 0);
  const seen = [...worked, ...timed].filter((one) => one.seen).length;
  const all = worked.length + timed.length;
  return {
    ms: sum(worked) / Math.min(lanes, Math.max(1, work.length)) + sum(timed),
    from:
      seen === all
        ? 'from earlier jobs like these'
        : seen === 0
          ? 'a guess from the size of models'
          : `from earlier jobs, ${all - seen} of ${all} by the size of models`,
  };
}
