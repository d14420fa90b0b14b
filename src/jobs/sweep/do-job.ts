/** One job, from its recipe to a result in the store. Done twice it gives the same result, of which the first is kept. */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import { describeMachine } from '../../ship/profile/machine.ts';
import { contentMissing } from '../../support/diagnostics/sweep.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { sha256OfFile } from './content.ts';
import { failureOf, isLasting } from './failure.ts';
import { type CompressJob, type Job, keyOf, type TimeJob } from './job.ts';
import type { Contents } from './lay-out.ts';
import type { FinalAnswer, JobProcesses } from './processes.ts';
import { inputKeys } from './recipe.ts';
import { type JobResult, keepResult, readResult } from './result.ts';
import { contentName, getContent, type Store } from './store.ts';

export interface JobSite extends Stoppable {
  readonly store: Store;
  readonly contents: Contents;
  readonly processes: JobProcesses;
  /** For what jobs make; it is there. */
  readonly folder: string;
  readonly timeoutMs: number;
  /** Told of each step of the job. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** "Linux 6.1.0 x64, AMD EPYC, Node 20.20.2" */
export function machineText(): string {
  const { os, cpu, node } = describeMachine();
  return `${os}, ${cpu}, Node ${node}`;
}

/** @returns what the store holds for it now; a failure that is the machine's is not kept there
 *  @throws what the signal was aborted with; bugs of ours */
export async function doJob(job: Job, site: JobSite): Promise<JobResult> {
  const key = await keyOf(job);
  const started = performance.now();
  const output = mkdtempSync(path.join(site.folder, `${key.slice(0, 12)}-`));
  const base = { schema: 'edgepress/job-result@1' as const, key, job, machine: machineText() };
  const nothing = { metrics: null, latency: null, error: null, files: [] };
  const spent = () => Math.round(performance.now() - started);
  try {
    const answer = await (job.kind === 'compress' ? compress(job, output, site) : time(job, output, site));
    if ('failed' in answer)
      return await failed({ ...base, ...nothing, error: answer.failed, ms: spent() }, site);
    const result =
      'timed' in answer
        ? { ...base, ...nothing, latency: answer.timed }
        : {
            ...base,
            ...nothing,
            metrics: answer.compressed,
            files: await kept(answer.files, output, site.store),
          };
    return await keepResult(site.store, { ...result, ms: spent() });
  } catch (error) {
    if (site.signal?.aborted || !(error instanceof Diagnostic)) throw error;
    return await failed({ ...base, ...nothing, error: failureOf(error), ms: spent() }, site);
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

const failed = async (result: JobResult, { store }: JobSite): Promise<JobResult> =>
  isLasting(result.error!) ? keepResult(store, result) : result;

async function compress(job: CompressJob, output: string, site: JobSite): Promise<FinalAnswer> {
  const { contents, processes } = site;
  const inputs: Record<string, string> = {};
  for (const key of inputKeys) {
    const input = job.inputs[key];
    if (input) inputs[key] = 'word' in input ? input.word : await contents.pathOf(input.sha256);
  }
  const model = await contents.pathOf(job.model);
  return processes.run({ kind: 'compress', job, model, inputs, output }, watched(site));
}

async function time(job: TimeJob, output: string, site: JobSite): Promise<FinalAnswer> {
  const { contents, processes, store } = site;
  const made = await readResult(store, job.of);
  if (made === null || made.files.length === 0) throw contentMissing(`The result ${job.of}`, store.name);
  for (const { name, sha256 } of made.files) await getContent(store, sha256, path.join(output, name));
  const result = path.join(output, made.files[0]!.name);
  const model = await contents.pathOf(job.model);
  return processes.run({ kind: 'time', job, model, result }, watched(site));
}

const watched = ({ timeoutMs, signal, onStep = () => {} }: JobSite) => ({ timeoutMs, signal, onStep });

/** Files of a result, in the store by their content. */
async function kept(names: readonly string[], folder: string, store: Store): Promise<JobResult['files']> {
  const files: JobResult['files'] = [];
  for (const name of names) {
    const file = path.join(folder, name);
    const sha256 = await sha256OfFile(file);
    await store.put(contentName(sha256), file);
    files.push({ name, sha256, bytes: statSync(file).size });
  }
  return files;
}

/** The folder of a result's files, with all of them. */
export async function fetchFiles({ files }: JobResult, store: Store, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const { name, sha256 } of files) {
    const to = path.join(folder, name);
    const there = statSync(to, { throwIfNoEntry: false });
    if (there?.isFile() && (await sha256OfFile(to)) === sha256) continue;
    rmSync(to, { force: true });
    await getContent(store, sha256, to);
  }
}
