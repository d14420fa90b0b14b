/** The call behind `compress check`: whether a model keeps its budgets. */
import type { CheckReport, CheckRow } from '../judge/report/check-report.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { noBudget } from '../support/diagnostics/check.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { fieldsOf } from '../support/field.ts';
import { isGiven, parseRequest, type Spelling, spell } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { version } from '../support/version.ts';
import { type Base, openBase } from './check-against.ts';
import { qualityRows } from './check-quality.ts';
import { devicesOf, timeRows } from './check-times.ts';
import { type JobRun, type RunOptions, separated } from './progress.ts';
import { readModel } from './read-model.ts';
import { budgetKeys, type CheckRequest, type CheckRequestInit, checkRequest } from './requests/check.ts';

export type CheckOptions = CheckRequestInit & RunOptions;

/** Measures a model against budgets: size, accuracy lost, agreement and SQNR against the original or an earlier result, latency,
 *  what a first visit costs. What can't be measured is not kept.
 *  @param model  a path, an address on the web, bytes or an open model
 *  @example
 *  const { report } = await check('model.int8.onnx', { against: 'model.onnx', data: 'val/', maxSize: '4MB', maxDrop: 1 });
 *  if (!report.kept) console.log(report.rows.filter((row) => row.status !== 'kept'));
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, NO_BUDGET, OPTION_WITHOUT_EFFECT, UNKNOWN_DEVICE, REPORT_UNREADABLE, COMPARE_INPUTS, what opening
 *    models and data throws
 *  @group Calls */
export async function check(model: ModelInput, options: CheckOptions): Promise<{ report: CheckReport }> {
  return inCallWords(checkRequest, async () => {
    const { given, run } = separated(options);
    const request = checkedRequest(given, 'field');
    return { report: await checkModel(model, request, run) };
  });
}

const quality = ['maxDrop', 'minAgreement', 'minSqnr'] as const;
const times = ['maxLatency', 'maxFirstVisit'] as const;
const dataKeys = [
  'data',
  'evaluate',
  'labels',
  'preprocess',
  'tokenizer',
  'window',
  'sampleRate',
  'dtype',
  'skipBad',
  'engine',
];
const deviceKeys = ['device', 'provider', 'threads', 'dim'];

/** @throws NO_BUDGET; OPTION_WITHOUT_EFFECT for a budget without what it is measured on or against, and for what no budget needs */
export function checkedRequest(given: CheckRequestInit, spelling: Spelling): CheckRequest {
  const request = parseRequest(checkRequest, given, spelling);
  const named = (key: string) => spell(fieldsOf(checkRequest).find((f) => f.key === key)!, spelling);
  const refuse = (key: string, needs: string) => {
    throw optionWithoutEffect(named(key), needs);
  };
  if (budgetKeys.every((key) => request[key] === undefined)) throw noBudget(budgetKeys.map(named));
  const asked = quality.filter((key) => request[key] !== undefined);
  for (const key of asked) {
    if (request.against === undefined) refuse(key, `${named('against')}: what the result is compared with`);
    if (request.data === undefined) refuse(key, `${named('data')}: what the two are compared on`);
  }
  if (request.maxSize?.unit === 'share' && request.against === undefined)
    refuse('maxSize', `${named('against')}: it is a share of that one's size`);
  if (request.maxLatency?.unit === 'share' && request.against === undefined)
    refuse('maxLatency', `${named('against')}: it is a share of that one's time`);
  const idleBeside = (keys: readonly string[], budgets: readonly (typeof budgetKeys)[number][]) => {
    const isAsked = budgets.some((key) => request[key] !== undefined);
    const idle = isAsked ? undefined : keys.find((key) => isGiven(given, key));
    if (idle) refuse(idle, budgets.map(named).join(' or '));
  };
  idleBeside(dataKeys, quality);
  idleBeside(deviceKeys, times);
  devicesOf(request);
  return request;
}

export async function checkModel(
  input: ModelInput,
  request: CheckRequest,
  run: JobRun,
): Promise<CheckReport> {
  const { against } = request;
  const result = await readModel(input, request, run);
  const base = against === undefined ? null : await openBase(against, request, run);
  if (base?.kind === 'report') refuseComparison(request);
  const found = await qualityOf(result, base, request, run);
  const timed = await timeRows(result, base, request, run);
  const rows = [...sizeRows(result, base, request), ...found.rows, ...timed];
  return {
    schema: 'edgepress/check@1',
    tool: { name: 'edgepress', version },
    createdAt: new Date().toISOString(),
    model: result.name,
    against: base && { kind: base.kind, name: base.name },
    guessed: [...found.guessed],
    kept: rows.every(({ status }) => status === 'kept'),
    rows,
  };
}

/** A report has no outputs to compare with. @throws OPTION_WITHOUT_EFFECT */
function refuseComparison(request: CheckRequest): void {
  for (const [key, option] of [
    ['minAgreement', '--min-agreement'],
    ['minSqnr', '--min-sqnr'],
  ] as const)
    if (request[key] !== undefined)
      throw optionWithoutEffect(option, 'a model in --against, where a report was given');
}

async function qualityOf(result: OpenedModel, base: Base | null, request: CheckRequest, run: JobRun) {
  const { data } = request;
  const isAsked = quality.some((key) => request[key] !== undefined);
  if (!isAsked || base === null || data === undefined) return { rows: [], guessed: [] };
  return qualityRows(result, base, { ...request, data }, run);
}

function sizeRows({ sizeBytes }: OpenedModel, base: Base | null, { maxSize }: CheckRequest): CheckRow[] {
  if (maxSize === undefined) return [];
  const [value, original] = [sizeBytes, base?.sizeBytes].map((bytes) =>
    bytes === undefined ? null : ({ unit: 'bytes', value: bytes } as const),
  );
  const measured =
    maxSize.unit === 'share' ? { unit: 'share' as const, value: sizeBytes / base!.sizeBytes } : value!;
  return [
    {
      budget: 'maxSize',
      subject: null,
      allowed: maxSize,
      ...{ measured, interval: null, value: value ?? null, base: original ?? null, on: null, reason: null },
      status: measured.value > maxSize.value ? 'exceeded' : 'kept',
    },
  ];
}
