/** What `compress` finds out about its result: sizes, how near it is to the original, how fast. */
import path from 'node:path';
import type { CompressedModel } from '../compress/compress.ts';
import { engineOfTarget, openEngine } from '../compute/engine/open.ts';
import { layerQuality } from '../judge/analyze/layer-quality.ts';
import { recipeAccount } from '../judge/analyze/recipe-account.ts';
import type { ReportParts } from '../judge/report/build-report.ts';
import { layerTable } from '../judge/report/layer-table.ts';
import { probeNouns } from '../judge/report/probe.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { portsOf } from '../model/ir/port.ts';
import { counted } from '../support/units.ts';
import { attempt } from './attempt.ts';
import type { CompressFileOptions } from './compress-file-options.ts';
import type { Known } from './known-before.ts';
import { measurePair } from './measure-pair.ts';
import { factsOf } from './model-facts.ts';
import { step } from './progress.ts';
import { runPair } from './run-pair.ts';

interface Results {
  /** With inputs and outputs as the source has them: what is compared. */
  readonly result: OpenedModel;
  /** As it is in the file. */
  readonly shipped: OpenedModel;
}

/** int8 on this processor says nothing of a phone's. */
const notHere =
  'Speed was not measured: a phone multiplies int8 otherwise than this machine. compress lab measures on one.';

/** Everything the report needs to know about source and result. */
export async function studyResult(
  options: CompressFileOptions,
  source: OpenedModel,
  { result, shipped }: Results,
  { prepared, task, probe, unprobed, facts }: Known,
  { clean, model, journal }: CompressedModel,
): Promise<
  Omit<
    ReportParts,
    | 'files'
    | 'budget'
    | 'staged'
    | 'training'
    | 'leftOut'
    | 'stripped'
    | 'instead'
    | 'slower'
    | 'restored'
    | 'search'
    | 'inFile'
    | 'environment'
  > & {
    readonly remarks: readonly string[];
  }
> {
  const { plan, events, signal } = options;
  const { recipe, request } = plan;
  const compares = request.compare !== false;
  const largestBytes = Math.max(source.sizeBytes, result.sizeBytes);
  events.begin?.('sizes');
  const [before, after] = await Promise.all([
    factsOf(source, largestBytes, facts),
    factsOf(shipped, largestBytes),
  ]);
  const runtime = await openEngine(engineOfTarget(recipe.target));
  const held = prepared?.held.indices.length ? prepared.held : null;
  const compareOn = ({ source: from, indices }: NonNullable<typeof held>) =>
    step(
      events,
      'compare',
      (onProgress) =>
        runPair(
          { model: source },
          { model: result },
          { engine: runtime, source: from, indices, task, signal, onProgress },
        ),
      ({ compare: { samples, runtime: name } }) =>
        `${probe ? `${samples} ${probeNouns[probe.facts.kind]}` : counted(samples, 'sample')} on ${name}`,
    );
  // Nobody asked for a probe: one that can't run is said, and ends nothing.
  const probed = probe && (await attempt(() => compareOn(probe), signal));
  const pair = held && compares ? await compareOn(held) : (probed?.measured ?? null);
  const isElsewhere = recipe.target === 'mobile';
  const remarks = [
    ...(isElsewhere && request.measure ? [notHere] : []),
    ...(unprobed === null ? [] : [`It could not be compared on made-up inputs: ${unprobed}`]),
    ...(probed?.reason ? [`It could not be compared on ${probe?.facts.what}: ${probed.reason}`] : []),
  ];
  const few = held?.indices.slice(0, 16) ?? [];
  if (held && pair) events.begin?.('layers');
  const quality =
    held && compares
      ? await layerQuality(
          await openEngine(),
          clean,
          model,
          { count: few.length, read: (i) => held.source.read(few[i]!) },
          signal,
        )
      : [];
  const sample = held ? await held.source.read(held.indices[0]!) : null;
  // A runtime of another format is not what is measured here.
  const measured =
    !request.measure || !result.format.runnable || isElsewhere
      ? null
      : await step(
          events,
          'measure',
          () =>
            measurePair(source, result, {
              engine: runtime.name,
              sample,
              ports: portsOf(source.model),
              signal,
            }),
          ({ latency: [first] }) =>
            `${first?.repetitions ?? 0} runs each, ${counted(first?.threads ?? 1, 'thread')}`,
        );
  const { input, command, config } = options;
  return {
    options: { input, recipe, command, config, data: plan.data?.from },
    source: before,
    result: { ...after, file: path.basename(options.output) },
    task,
    journal,
    layers: layerTable(clean, model, quality),
    account: await recipeAccount(model, recipe, journal),
    data: prepared,
    pair,
    probe: pair ? (probe?.facts ?? null) : null,
    remarks,
    measured,
  };
}
