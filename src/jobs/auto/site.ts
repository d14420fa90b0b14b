/** Where a search tries its candidates: as jobs of this machine, by content, so that what was done before is found again and a search that
 *  was stopped goes on. */
import path from 'node:path';
import type { CompressRequest } from '../../compress/request.ts';
import { targetFacts } from '../../judge/report/header.ts';
import type { DeviceClass } from '../../support/device-class.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import type { TargetName } from '../../support/target.ts';
import type { JobRun } from '../progress.ts';
import { doJob } from '../sweep/do-job.ts';
import { openEstimator } from '../sweep/estimate.ts';
import { failureOf } from '../sweep/failure.ts';
import { type CompressJob, type Job, keyOf, type TimeJob, versionsHere } from '../sweep/job.ts';
import { localContents } from '../sweep/lay-out.ts';
import { contentsOf } from '../sweep/plan.ts';
import { openProcesses } from '../sweep/processes.ts';
import { type JobRecipe, normalised, requestOf } from '../sweep/recipe.ts';
import { type JobResult, readResult } from '../sweep/result.ts';
import { usualLanes } from '../sweep/run-here.ts';
import { openStore, type Store } from '../sweep/store.ts';
import type { SweptModel } from '../sweep/sweep-file.ts';
import type { Candidate } from './candidates.ts';
import { triedText } from './goal.ts';
import type { SearchRequests } from './requests.ts';
import type { SearchSite, Tried } from './search.ts';

export interface SiteOptions extends JobRun {
  /** The model and its data, by their paths. */
  readonly swept: SweptModel;
  readonly requests: Pick<SearchRequests, 'jobOf'>;
  readonly target: TargetName;
  readonly seed: number;
  readonly sizes: CompressRequest['sizes'];
  /** For what jobs make; removed by whoever made it. */
  readonly folder: string;
  readonly sizeBytes: number;
  /** How long the search may take, what is chosen included. */
  readonly limitMs: number;
  /** Whether results are kept and found again. */
  readonly cache: boolean;
  /** Told of each result as it comes. */
  readonly onTried: (one: Tried) => void;
  /** Told of everything that was tried. */
  readonly onFound: (all: readonly Tried[]) => void;
}

export interface OpenedSite extends SearchSite {
  readonly store: Store;
  /** Of so many candidates one after the other, as long as jobs like them took before. */
  estimate(candidates: readonly Candidate[]): Promise<number>;
  /** Whether time ended some of it. */
  readonly ranOut: () => boolean;
  close(): void;
}

/** Targets whose runtime is on this machine, and may be timed. */
const devices: Readonly<Partial<Record<TargetName, DeviceClass>>> = { wasm: 'wasm', node: 'node' };
export const isTimed = (target: TargetName): boolean => devices[target] !== undefined;
const longestJobMs = 3600e3;
/** What the winner's own run takes besides making it. */
const proofMs = 8000;

/** @throws what reading the model and its data throws */
export async function openSite(options: SiteOptions): Promise<OpenedSite> {
  const { swept, requests, target, seed, sizes, folder, sizeBytes, limitMs, cache, events, signal } = options;
  const trees = new Map();
  const { model, inputs } = await contentsOf(swept, '.', trees);
  const store = openStore(cache ? undefined : path.join(folder, 'store'));
  const processes = openProcesses();
  const contents = localContents(trees, path.join(folder, 'inputs'));
  const estimator = openEstimator();
  const lanes = usualLanes(sizeBytes);
  const device = devices[target];
  const deadline = performance.now() + limitMs;
  let longestMs = 0;
  let hasEnded = false;
  const jobOf = (candidate: Candidate): CompressJob => ({
    kind: 'compress',
    ...{ model, inputs, target, seed, versions: versionsHere() },
    recipe: normalised(requests.jobOf(candidate)),
  });
  // What is chosen is made once more, and compared with what was held back. Times are short, and decide what may be chosen: they may take
  // a part of what is kept for that.
  const left = (kind: Job['kind']) => {
    const kept = Math.min(longestMs + proofMs, limitMs / 3);
    return deadline - performance.now() - (kind === 'time' ? 0.6 : 1) * kept;
  };
  const estimate = async (candidates: readonly Candidate[]) => {
    const each = await Promise.all(
      candidates.map((candidate) => estimator.of(jobOf(candidate), sizeBytes).then(({ ms }) => ms)),
    );
    const sum = each.reduce((a, b) => a + b, 0);
    return sum / Math.max(1, Math.min(lanes, candidates.length));
  };
  const site = (kind: Job['kind']) => {
    const end = AbortSignal.timeout(Math.max(1, Math.round(left(kind))));
    const stop = AbortSignal.any(signal ? [signal, end] : [end]);
    const timeoutMs = longestJobMs;
    return { store, contents, processes, folder, timeoutMs, signal: stop, end };
  };
  const done = async (job: Job): Promise<JobResult | null> => {
    const found = await readResult(store, await keyOf(job));
    if (found) return found;
    if (left(job.kind) <= 0) {
      hasEnded = true;
      return null;
    }
    const here = site(job.kind);
    try {
      const result = await doJob(job, here);
      await estimator.learn(result);
      return result;
    } catch (error) {
      if (signal?.aborted) throw error;
      if (!here.end.aborted) throw error;
      hasEnded = true;
      return null;
    }
  };
  const attemptOne = async (candidate: Candidate): Promise<Tried> => {
    const { name } = candidate;
    const base = { name, candidate, latency: null, untimed: null, visitBytes: null };
    try {
      const job = jobOf(candidate);
      // What can't be asked for is told at once.
      requestOf(job.recipe as JobRecipe, { target: job.target, seed: job.seed, inputs: named(job.inputs) });
      const result = await done(job);
      longestMs = Math.max(longestMs, result?.ms ?? 0);
      const metrics = result?.metrics ?? null;
      return { ...base, result, metrics, visitBytes: result && visitBytesOf(result, target) };
    } catch (error) {
      if (!(error instanceof Diagnostic) || signal?.aborted) throw error;
      return { ...base, metrics: null, result: refusedResult(jobOf(candidate), failureOf(error)) };
    }
  };
  return {
    store,
    times: device !== undefined,
    async attempt(candidates) {
      const tried = new Map<Candidate, Tried>();
      const queue = candidates[Symbol.iterator]();
      const lane = async () => {
        for (const candidate of queue) {
          const one = await attemptOne(candidate);
          tried.set(candidate, one);
          options.onTried(one);
          events.note?.('search', foundText(one));
        }
      };
      await Promise.all(Array.from({ length: Math.min(lanes, candidates.length) }, lane));
      return candidates.map((candidate) => tried.get(candidate)!);
    },
    async time(one) {
      const { result } = one;
      if (!result || device === undefined) return one;
      if (one.candidate.recipe['format'] !== undefined)
        return { ...one, untimed: 'another runtime, which is timed in bundles alone' };
      const job: TimeJob = {
        ...{ kind: 'time', of: result.key, model, ...(sizes && { sizes }), device },
        versions: versionsHere(),
      };
      const timed = await done(job);
      if (timed === null) return { ...one, untimed: 'time was up' };
      return { ...one, latency: timed.latency, untimed: timed.error?.message ?? null };
    },
    hasTimeFor: async (candidates) => left('compress') > 0.8 * (await estimate(candidates)),
    estimate,
    found: options.onFound,
    ranOut: () => hasEnded,
    close: () => processes.close(),
  };
}

const named = (inputs: CompressJob['inputs']) =>
  Object.fromEntries(
    Object.entries(inputs).map(([key, content]) => [key, content && 'word' in content ? content.word : key]),
  );

const refusedResult = (job: CompressJob, error: NonNullable<JobResult['error']>): JobResult => ({
  ...{ schema: 'edgepress/job-result@1' as const, key: '0'.repeat(64), job, error },
  ...{ metrics: null, latency: null, files: [], ms: 0, machine: '' },
});

/** Compressed, as servers send them. */
function visitBytesOf({ metrics, files }: JobResult, target: TargetName): number | null {
  const runtime = targetFacts(target, files[0]?.name ?? 'model.onnx').runtimeBrotliBytes;
  return metrics?.brotliBytes == null || runtime === null ? null : metrics.brotliBytes + runtime;
}

function foundText({ name, metrics, result }: Tried): string {
  if (result === null) return `${name}: no time was left`;
  if (metrics === null) return `${name}: ${result.error?.code ?? 'nothing came of it'}`;
  return `${name}: ${triedText(metrics)}`;
}
