/** `compress model.onnx`: reads the file, prepares data, runs the recipe, writes, compares, measures, reports.
 *  The order guards the user: outputs are checked before any work, and appear only when all of them are complete. */
import path from 'node:path';
import type { Candidate } from '../compress/pipeline/leave-out.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { Plan } from '../compress/plan.ts';
import type { Engine } from '../compute/engine/contract.ts';
import { engineOfTarget, openEngine } from '../compute/engine/open.ts';
import { rejectBroken } from '../judge/analyze/facts.ts';
import { buildReport } from '../judge/report/build-report.ts';
import type { Report } from '../judge/report/report.ts';
import { reportFiles } from '../judge/report/report-files.ts';
import { requireWritable, writeModelFile } from '../model/formats/file.ts';
import { withoutExtension } from '../model/formats/index.ts';
import { stripTraces } from '../model/formats/onnx/strip-traces.ts';
import { openedFromFiles } from '../model/formats/open-file.ts';
import { type OpenedModel, openedFromModel, pathsOf } from '../model/formats/opened.ts';
import type { Model } from '../model/ir/model.ts';
import { stampMetadata } from '../ship/emit/stamp.ts';
import { checkTargets, createStage, isOurs } from '../ship/emit/write.ts';
import { checkOpens } from '../ship/profile/check-opens.ts';
import { describeMachine } from '../ship/profile/machine.ts';
import { checkBudget, checkGoal } from './accuracy-budget.ts';
import { blockRemarks } from './block-remarks.ts';
import { madeToHold } from './choose-int8.ts';
import type { CompressFileOptions } from './compress-file-options.ts';
import { checkPorts, checkSizes, typedPorts, withPreparation } from './io-types.ts';
import { type Known, knownBefore } from './known-before.ts';
import { withMeasuredKernels } from './measure-kernels.ts';
import type { StepsResult } from './model-steps.ts';
import { openSteps } from './open-steps.ts';
import { refuseIdle, refuseSpoilt } from './refusals.ts';
import { runServingRecipe } from './run-recipe.ts';
import { studyResult } from './study-result.ts';
import { createJudge, isTried } from './try-result.ts';

export interface CompressedFile {
  readonly report: Report;
  readonly model: Model;
}

/** @throws every user diagnostic of reading, data and passes; nothing is written then */
export async function compressFile(asked: CompressFileOptions): Promise<CompressedFile> {
  const { opened, plan, events, cache, signal } = asked;
  const { request } = plan;
  const outputs = outputPaths(asked.output);
  const inputs = inputPaths(opened, plan);
  requireWritable(asked.output);
  checkPorts(request, asked.output, opened.model);
  // A student in a file has inputs of its own.
  if (!plan.steps.some(({ kind }) => kind === 'student-file')) checkSizes(asked.output, opened.model);
  checkTargets(inputs, [asked.output, ...outputs], request.force);
  rejectBroken(opened.model);
  const engine = await openEngine();
  const known = await knownBefore(opened, asked);
  const { prepared } = known;
  const staged = plan.steps.length > 0 ? await runSteps(opened, asked, engine, known) : null;
  const qat = plan.qat && { settings: plan.qat, checkpoints: checkpointsOf(asked) };
  const start = staged?.model ?? opened.model;
  const runtime = engineOfTarget(plan.recipe.target);
  const begun = staged ? openedFromModel(start, opened.name) : opened;
  const judge = createJudge(begun, {
    engine: runtime,
    hasRealData: prepared !== null && prepared.source.kind !== 'synthetic',
    signal,
  });
  const refusal = async (candidates: readonly Candidate[]) => {
    events.begin?.('try');
    return judge(candidates);
  };
  const serve = (recipe: Recipe) =>
    runServingRecipe(start, {
      ...{ recipe, engine, prepared, cache, events, signal, qat },
      // What trains is not run again to find a pass, and what is large not tried on the side.
      refusal: qat || !isTried(opened) ? async () => null : refusal,
    });
  const measured = await withMeasuredKernels(asked, start, prepared);
  const { served, options, instead, restored } = await madeToHold(measured.options, begun, known, serve);
  const { recipe } = options.plan;
  const { result: made, leftOut } = served;
  const { model, journal, training } = made;
  if (!staged) {
    refuseSpoilt(leftOut, journal);
    await refuseIdle(opened.name, { recipe, model, journal });
  }
  stampMetadata(model, recipe);
  const stripped = request.keepMetadata ? null : stripTraces(model);
  const { model: typed, remarks } = typedPorts(
    withPreparation(model, request.io, prepared?.source),
    request.io,
  );
  const stage = createStage(options.output);
  try {
    const inFile: string[] = [];
    const remark = (text: string) => void inFile.push(text);
    const written = writeModelFile(typed, stage.pathOf(options.output), {
      remark,
      openBatch: request.openBatch,
    });
    const result = openedFromFiles(model, written);
    const targets = written.map((f) => path.join(path.dirname(options.output), path.basename(f)));
    checkTargets(inputs, targets.slice(1), request.force || isOurs(options.output));
    await checkOpens(opened, result, runtime);
    const shipped = openedFromFiles(typed, written);
    const parts = await studyResult(options, opened, { result, shipped }, knownAfter(known, plan), made);
    // What a probe finds bounds nothing.
    const judged = parts.probe ? null : parts.pair;
    const budget = asked.search
      ? checkGoal(judged, parts.measured, asked.search.goal)
      : checkBudget(judged, request.maxDrop);
    const files = [...targets, ...outputs];
    const report = buildReport({
      ...parts,
      staged,
      training,
      files,
      leftOut,
      stripped,
      instead,
      slower: measured.slower,
      restored,
      search: asked.search ?? null,
      remarks: [...parts.remarks, ...remarks, ...blockRemarks(typed, options.output)],
      inFile,
      budget,
      environment: describeMachine(),
    });
    for (const file of await reportFiles(report, outputs)) stage.write(file.path, file.content);
    stage.commit();
    return { report, model };
  } finally {
    stage.discard();
  }
}

/** What channels were chosen by tells less than others of its kind would. */
function knownAfter(known: Known, { steps }: Plan): Known {
  const { probe } = known;
  const isFitted = probe?.others !== undefined && steps.some(({ kind }) => kind === 'prune');
  return isFitted ? { ...known, probe: { ...probe, facts: { ...probe.facts, fitted: true } } } : known;
}

/** All that is read, as far as it has paths. */
const inputPaths = (opened: OpenedModel, { data, steps }: Plan): string[] =>
  [
    ...pathsOf(opened),
    ...steps.map((s) => (s.kind === 'student-file' ? s.path : undefined)),
    ...[data?.from, data?.from.test].flatMap((from) => [from?.path, from?.labels]),
    data?.from.preprocess,
  ].filter((p) => p !== undefined);

async function runSteps(
  opened: OpenedModel,
  options: CompressFileOptions,
  engine: Engine,
  { prepared, probe, task }: Known,
): Promise<StepsResult> {
  const { plan, events, signal } = options;
  const { runModelSteps } = await import('./model-steps.ts');
  return runModelSteps(opened.model, {
    steps: await openSteps(plan.steps, checkpointsOf(options), { events, signal }),
    engine,
    prepared,
    madeUp: probe?.others && { source: probe.source, indices: probe.others },
    task,
    measure: plan.request.measure,
    runtime: engineOfTarget(plan.recipe.target),
    events,
    signal,
  });
}

/** Where checkpoints of a run lie: hidden beside the output unless told otherwise. */
function checkpointsOf({ plan, output }: CompressFileOptions): string | null {
  const { checkpoint } = plan.request;
  if (checkpoint === false) return null;
  return typeof checkpoint === 'string'
    ? checkpoint
    : path.join(path.dirname(path.resolve(output)), '.edgepress-checkpoints');
}

/** model.int8.onnx → model.int8.report.{html,md,json} */
const outputPaths = (output: string) =>
  ['html', 'md', 'json'].map((kind) => `${withoutExtension(output)}.report.${kind}`);
