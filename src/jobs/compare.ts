/** The call behind `compress compare`: how far the outputs of two models are apart. */
import { openEngine } from '../compute/engine/open.ts';
import type { PairResult } from '../judge/report/report.ts';
import type { Task } from '../judge/task/task.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { type Port, portsOf } from '../model/ir/port.ts';
import { compareInputs } from '../support/diagnostics/data.ts';
import { parseRequest } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { counted } from '../support/units.ts';
import { chooseSamples, type Samples } from './choose-samples.ts';
import { fittingLabels } from './fitting-labels.ts';
import { alike } from './io-types.ts';
import { taskOf } from './model-task.ts';
import { type JobRun, type RunOptions, separated, step } from './progress.ts';
import { readModel } from './read-model.ts';
import { type CompareRequest, type CompareRequestInit, compareRequest } from './requests/compare.ts';
import { runPair } from './run-pair.ts';

export interface Comparison extends PairResult {
  /** What was compared on, for people: "photos/ (500 images)". */
  readonly data: string;
  /** What the models are for, and what shows it. */
  readonly task: Task;
  /** What was assumed about the data, in words. */
  readonly guessed: readonly string[];
}

export type CompareOptions = CompareRequestInit & RunOptions;

/** Runs two models over the same samples and says how far their outputs are apart; with labels, their accuracy too.
 *  @param before  the original: a path, an address on the web, bytes or an open model
 *  @param after  what it is compared with, likewise
 *  @example
 *  const { report } = await compare('model.onnx', 'model.int8.onnx', { data: 'photos/' });
 *  console.log(report.compare.outputs[0].sqnrDb);
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, TASK_UNFIT, COMPARE_INPUTS, COMPARE_OUTPUTS, what opening models and data throws
 *  @group Calls */
export async function compare(
  before: ModelInput,
  after: ModelInput,
  options: CompareOptions,
): Promise<{ report: Comparison }> {
  return inCallWords(compareRequest, async () => {
    const { given, run } = separated(options);
    const request = parseRequest(compareRequest, given);
    return { report: await compareModels(before, after, request, run) };
  });
}

export async function compareModels(
  before: ModelInput,
  after: ModelInput,
  request: CompareRequest,
  run: JobRun,
): Promise<Comparison> {
  const given = await readModel(before, request, run);
  const result = await readModel(after, request, run);
  return compareOn(await compared(given, result, request), run);
}

/** Two models that take the same inputs, and the samples that both are run on. */
interface Compared {
  readonly pair: readonly [OpenedModel, OpenedModel];
  readonly samples: Samples;
  readonly task: Task;
  readonly engine: CompareRequest['engine'];
}

/** @throws COMPARE_INPUTS when the second model takes what the first does not; LABEL_RANGE, what opening data throws */
export async function compared(
  given: OpenedModel,
  result: OpenedModel,
  request: CompareRequest,
): Promise<Compared> {
  const [a, b] = [alike(given, result), alike(result, given)];
  requireInputs(portsOf(a.model), portsOf(b.model));
  const { source, indices } = await chooseSamples(a, request);
  const fitting = fittingLabels(source, a.model, request.labels !== undefined, request.task);
  const task = taskOf(a, request.task, fitting);
  return { pair: [a, b], samples: { source: fitting, indices }, task, engine: request.engine };
}

/** @throws what engines throw; COMPARE_OUTPUTS */
export async function compareOn(
  { pair: [a, b], samples: { source, indices }, task, engine: name }: Compared,
  { signal, events }: JobRun,
): Promise<Comparison> {
  const engine = await openEngine(name);
  const found = await step(
    events,
    'compare',
    (onProgress) =>
      runPair({ model: a }, { model: b }, { engine, source, indices, task, signal, onProgress }),
    (r) => `${counted(r.compare.samples, 'sample')} on ${r.compare.runtime} · ${source.name}`,
  );
  return { data: source.name, guessed: source.guessed, task, ...found };
}

function requireInputs(before: readonly Port[], after: readonly Port[]): void {
  const present = before.map((p) => p.name);
  const missing = after.map((p) => p.name).filter((name) => !present.includes(name));
  if (missing.length > 0) throw compareInputs(missing, present);
}
