/** The call behind `compress inspect`: what is in a model. */
import { byteAccount } from '../judge/analyze/byte-account.ts';
import { findProblems, type ModelProblems } from '../judge/analyze/facts.ts';
import { type FunctionFacts, functionFacts } from '../judge/analyze/functions.ts';
import type { Account } from '../judge/report/account.ts';
import type { ModelFacts } from '../judge/report/report.ts';
import type { Task } from '../judge/task/task.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import { sizeBytes } from '../model/ir/tensor.ts';
import { formatShape } from '../model/ir/type.ts';
import { constantsOf } from '../model/ir/walk.ts';
import { parseRequest } from '../support/parse-request.ts';
import type { TaskName } from '../support/task.ts';
import { factsOf } from './model-facts.ts';
import { taskOf } from './model-task.ts';
import { type RunOptions, separated } from './progress.ts';
import { readModel } from './read-model.ts';
import { type InspectRequestInit, inspectRequest } from './requests/inspect.ts';

export interface Inspection extends ModelFacts {
  /** "ONNX", "TensorFlow.js graph-model"; anything else than ONNX was converted when it was read. */
  readonly format: string;
  /** What the model is for, and what shows it. */
  readonly task: Task;
  /** Every constant in one row: what it is and what it is stored as. */
  readonly account: Account;
  /** The model's own functions. */
  readonly functions: readonly FunctionFacts[];
  /** What onnxruntime will refuse, or what is broken already. */
  readonly problems: ModelProblems;
  /** The eight largest, the largest first. */
  readonly largestWeights: readonly LargeWeight[];
}

interface LargeWeight {
  readonly name: string;
  /** "float32 [64,3,7,7]" */
  readonly type: string;
  readonly bytes: number;
}

/** Says what is in a model: inputs, outputs, operators, sizes, cost, problems.
 *  @param model  a path, an address on the web, bytes or an open model
 *  @example
 *  const { report } = await inspect('model.onnx');
 *  console.log(report.parameters, report.ops);
 *  @throws UNKNOWN_OPTION, FILE_NOT_FOUND and what reading a model throws
 *  @group Calls */
export async function inspect(
  model: ModelInput,
  options: InspectRequestInit & RunOptions = {},
): Promise<{ report: Inspection }> {
  const { given, run } = separated(options);
  const request = parseRequest(inspectRequest, given);
  return { report: await inspectModel(await readModel(model, request, run), request.task) };
}

export const inspectModel = async (opened: OpenedModel, asked?: TaskName): Promise<Inspection> => ({
  ...(await factsOf(opened, opened.sizeBytes)),
  format: [opened.format.name, opened.format.kind?.(opened.model)].filter(Boolean).join(' '),
  task: taskOf(opened, asked),
  account: byteAccount(opened.model),
  functions: functionFacts(opened.model),
  problems: findProblems(opened.model),
  largestWeights: largestWeights(opened.model),
});

const largestWeights = (model: Model): LargeWeight[] =>
  constantsOf(model)
    .map(({ name, tensor }) => ({
      name,
      type: `${tensor.dtype} ${formatShape(tensor.dims)}`,
      bytes: sizeBytes(tensor),
    }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 8);
