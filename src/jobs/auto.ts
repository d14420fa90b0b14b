/** `compress --auto`: tries what a model bears, from cheap evidence to dear, chooses by samples that nothing else uses, and makes what it
 *  has chosen as its own command would, judged on samples that chose nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { targetOf } from '../compress/plan.ts';
import type { CompressRequest } from '../compress/request.ts';
import { reportSchema } from '../judge/report/report.ts';
import type { Search } from '../judge/report/search.ts';
import { durationText } from '../judge/report/sweep-words.ts';
import { requireWritable } from '../model/formats/file.ts';
import { formatOfName } from '../model/formats/index.ts';
import { type ModelInput, openModel } from '../model/formats/open-file.ts';
import { type OpenedModel, pathsOf } from '../model/formats/opened.ts';
import { checkTargets } from '../ship/emit/write.ts';
import { nothingKeepsBudgets, untimedTarget } from '../support/diagnostics/auto.ts';
import { optionConflict } from '../support/diagnostics/command-line.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { makeHiddenFolder, removeHiddenFolder } from '../support/hidden-folder.ts';
import type { TargetName } from '../support/target.ts';
import { counted } from '../support/units.ts';
import { shownUrl } from '../support/url.ts';
import { precisionsFor, productShareOf } from './auto/candidates.ts';
import { finishEarly } from './auto/finish-early.ts';
import { type Goal, needsTime, ranked } from './auto/goal.ts';
import { knownBeforeSearch, type SearchKnown } from './auto/known.ts';
import { prove } from './auto/prove.ts';
import { nearestText, recordOf, type SearchFacts } from './auto/record.ts';
import { requestsOf, type SearchRequests } from './auto/requests.ts';
import { type Space, search, type Tried } from './auto/search.ts';
import { isTimed, openSite } from './auto/site.ts';
import { channelsCanGo } from './auto/what-can-go.ts';
import type { CompressedFile } from './compress-file.ts';
import { describeModel } from './model-facts.ts';
import { isFolder } from './output-path.ts';
import { type JobRun, step } from './progress.ts';
import { readModel } from './read-model.ts';

export interface AutoRun extends JobRun {
  /** What was typed or called, for the report. */
  readonly command: string;
  /** Where to write what the request says no place for. */
  readonly output?: string | undefined;
  /** Whether a search that is stopped writes the best that it has found, instead of failing. */
  readonly keepsBest?: boolean | undefined;
}

/** @param request  complete and checked; `auto` is set
 *  @throws what reading the model and its data throws; AUTO_BUDGET where nothing keeps what was asked for; TOO_FEW_TO_CHOOSE,
 *    LATENCY_NOT_MEASURED; what the signal was aborted with, unless the best is kept */
export async function carryOutAuto(
  input: ModelInput,
  request: CompressRequest,
  run: AutoRun,
): Promise<CompressedFile> {
  const target = targetOf(request);
  refuseUnjudged(request, target);
  refuseUnwritable(request.output ?? run.output, request.force);
  const folder = makeHiddenFolder(path.join(tmpdir(), 'edgepress-auto'));
  try {
    const opened = await step(run.events, 'read', () => readModel(input, request, run), describeModel);
    const file = pathsOf(opened)[0] ?? written(opened, path.join(folder, 'given'));
    const name = typeof input === 'string' ? shownUrl(input) : opened.name;
    return await searched({ file, name, opened, target, request, folder, run });
  } finally {
    removeHiddenFolder(folder);
  }
}

/** Options that leave a search nothing to judge by. @throws CONFLICTING_OPTION, LATENCY_NOT_MEASURED */
function refuseUnjudged(request: CompressRequest, target: TargetName): void {
  if (!request.compare) throw optionConflict('--auto', '--no-compare');
  if (request.evaluate === 0) throw optionConflict('--auto', '--evaluate 0');
  if (isTimed(target)) return;
  if (request.minimise === 'latency') throw untimedTarget('--minimise latency', target);
  if (request.maxLatency) throw untimedTarget('--max-latency', target);
}

/** A place that takes no file is noticed before the search. @throws what checkTargets and requireWritable throw */
function refuseUnwritable(output: string | undefined, force: boolean): void {
  if (output === undefined || isFolder(output)) return;
  requireWritable(output);
  const folder = path.dirname(output);
  // A folder that can be made is made once there is something for it.
  if (existsSync(folder) || !existsSync(path.dirname(folder))) checkTargets([], [output], force);
}

/** Jobs read files: what is only in memory becomes some. @returns the model's own */
function written({ files }: OpenedModel, folder: string): string {
  for (const file of files) {
    const place = path.join(folder, ...file.name.split('/'));
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, file.bytes());
  }
  return path.join(folder, ...files[0]!.name.split('/'));
}

interface Searched {
  /** The model's path. */
  readonly file: string;
  /** As it was named by whoever asked. */
  readonly name: string;
  readonly opened: OpenedModel;
  readonly target: TargetName;
  readonly request: CompressRequest;
  readonly folder: string;
  readonly run: AutoRun;
}

async function searched(asked: Searched): Promise<CompressedFile> {
  const { file, name, opened, target, request, folder, run } = asked;
  const { events, signal } = run;
  const started = performance.now();
  const known = await knownBeforeSearch(opened, request, target, run);
  const requests = requestsOf(name, request, known);
  const goal = goalOf(request, opened.sizeBytes);
  let all: readonly Tried[] = [];
  /** What was chosen, and did not hold on samples that chose nothing. */
  const failed = new Map<Tried, string>();
  const site = await openSite({
    ...{ requests, folder, events, signal, target, sizeBytes: opened.sizeBytes },
    swept: { model: file, ...requests.inputs },
    ...{ seed: request.seed, sizes: request.sizes, limitMs: request.time, cache: request.cache },
    onTried: (one) => {
      all = [...all, one];
    },
    onFound: (found) => {
      all = [...found];
    },
  });
  const facts = (time: Pick<Search['time'], 'ended' | 'estimatedMs'>): SearchFacts => ({
    ...{ goal, samples: known.choosing, commandOf: requests.commandOf },
    time: { ...time, limitMs: request.time, tookMs: Math.round(performance.now() - started) },
  });
  let estimatedMs = 0;
  try {
    const space = await spaceOf(asked, known);
    estimatedMs = await site.estimate(space.precisions);
    events.note?.('search', planText(space, { estimatedMs, request, choosing: known.choosing }));
    const find = () => search(space, goal, site);
    all = await step(events, 'search', find, (found) => foundText(found, goal));
    const end = facts({ ended: site.ranOut() ? 'time' : 'done', estimatedMs });
    return await firstThatHolds(all, end, { asked, requests, failed, begun: started });
  } catch (error) {
    const best = ranked(all, goal).find((one) => !failed.has(one));
    if (!signal?.aborted || !run.keepsBest || !best) throw error;
    const found = recordOf(all, best, { ...facts({ ended: 'interrupted', estimatedMs }), failed });
    const output = request.output ?? run.output;
    return await finishEarly(best, found, {
      ...{ store: site.store, folder, output, command: run.command },
      model: pathsOf(opened)[0] ?? opened.name,
    });
  } finally {
    site.close();
  }
}

interface Proving {
  readonly asked: Searched;
  readonly requests: SearchRequests;
  /** Filled as it goes on. */
  readonly failed: Map<Tried, string>;
  /** As performance.now() counts. */
  readonly begun: number;
}

/** What doesn't keep the budgets on the samples that chose nothing is said, and the next is tried. @throws AUTO_BUDGET */
async function firstThatHolds(
  all: readonly Tried[],
  facts: SearchFacts,
  { asked: { file, name, request, run }, requests, failed, begun }: Proving,
): Promise<CompressedFile> {
  const { goal } = facts;
  const isLate = () => performance.now() - begun > request.time;
  for (const best of ranked(all, goal)) {
    if (failed.size > 0 && isLate() && isLong(best)) {
      failed.set(best, 'no time was left to judge it on samples that chose nothing');
      continue;
    }
    const found = recordOf(all, best, { ...facts, failed });
    run.events.note?.('chosen', `${best.name}: ${found.why}`);
    const made = requests.requestOf(best.candidate);
    const output = request.output ?? run.output ?? besideOf(file, name);
    const task = { model: file, request: made, search: found, output, command: run.command };
    const proof = await prove(task, run.events, run);
    if ('files' in proof) return finished(proof.files);
    const { code, kind, message, hint } = proof.failed;
    if (kind !== 'gate' && kind !== 'unsupported')
      throw new Diagnostic(code, kind, message, hint ?? undefined);
    failed.set(best, `on samples that chose nothing ${shortened(message)}`);
    run.events.note?.('chosen', `${best.name} does not keep it on samples that chose nothing`);
  }
  throw nothingKeepsBudgets(all.length, nearestText(all, goal, failed));
}

/** "the result loses 1.7 points of top-1 accuracy", of a message that says more. */
const shortened = (message: string) =>
  message
    .replace(/ ?[;(].*$/s, '')
    .replace(/^The/, 'the')
    .replace(/\.$/, '');

/** What learns is made again for it. */
const isLong = ({ candidate: { recipe } }: Tried) => recipe['macs'] !== undefined;

/** A model on the web, or in memory, has no folder of its own. */
const besideOf = (file: string, name: string): string | undefined =>
  path.resolve(file) === path.resolve(name) ? undefined : `.${path.sep}`;

function finished(files: readonly string[]): CompressedFile {
  const json = files.find((file) => file.endsWith('.report.json'))!;
  const report = reportSchema.parse(JSON.parse(readFileSync(json, 'utf8')));
  return { report, model: openModel(files[0]!).model };
}

function goalOf({ minimise, maxDrop, maxSize, maxLatency }: CompressRequest, sizeBytes: number): Goal {
  const ofSize = maxSize && (maxSize.unit === 'share' ? maxSize.value * sizeBytes : maxSize.value);
  return {
    minimise,
    maxDrop: maxDrop ?? null,
    maxSizeBytes: ofSize ?? null,
    maxLatencyMs: maxLatency?.unit === 'ms' ? maxLatency.value : null,
    maxLatencyShare: maxLatency?.unit === 'share' ? maxLatency.value : null,
  };
}

/** Fewer learn nothing that holds elsewhere. */
const least = { prune: 16, train: 128 };

async function spaceOf(
  { opened, target, request, run }: Searched,
  { prepared }: SearchKnown,
): Promise<Space> {
  const format = request.format ?? formatOfName(request.output ?? '.onnx').id;
  const written = format === 'tfjs' || format === 'tflite' ? format : target === 'litert' ? 'tflite' : 'onnx';
  const precisions = precisionsFor({
    ...{ target, format: written, hasData: prepared !== null, minimise: request.minimise },
    ...{ productShare: productShareOf(opened.model), sizeBytes: opened.sizeBytes },
  });
  const learnable = prepared?.training.length ?? 0;
  const prunes = learnable >= least.prune && (await channelsCanGo(opened.model, run));
  return { precisions, prunes, trains: prunes && learnable >= least.train };
}

interface PlanFacts extends Pick<SearchKnown, 'choosing'> {
  readonly estimatedMs: number;
  readonly request: CompressRequest;
}

function planText(
  { precisions, prunes, trains }: Space,
  { estimatedMs, request, choosing }: PlanFacts,
): string {
  const more = [...(prunes ? ['fewer channels'] : []), ...(trains ? ['training'] : [])];
  const then = more.length > 0 ? `, then ${more.join(' and ')}` : '';
  const by = choosing === null ? '' : `, chosen by ${choosing} other samples`;
  return `${counted(precisions.length, 'precision')} in about ${durationText(estimatedMs)}${then}${by}, within ${durationText(request.time)}`;
}

function foundText(found: readonly Tried[], goal: Goal): string {
  const made = found.filter(({ metrics }) => metrics !== null).length;
  const order = ranked(found, goal);
  const timed = needsTime(goal) ? found.filter(({ latency }) => latency !== null).length : 0;
  return `${made} of ${found.length} made${timed > 0 ? `, ${timed} timed` : ''}, ${order.length} keep the budgets`;
}
