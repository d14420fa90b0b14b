/** What a search knows before it begins, and tells: the model, its data, and who is given how much of it. */
import path from 'node:path';
import { dataOptions } from '../../compress/plan-data.ts';
import type { CompressRequest } from '../../compress/request.ts';
import { openEngine } from '../../compute/engine/open.ts';
import { openData } from '../../data/open.ts';
import { describeData, type Prepared } from '../../data/prepare-data.ts';
import { dataFacts, targetFacts } from '../../judge/report/header.ts';
import type { OpenedModel } from '../../model/formats/opened.ts';
import { portsOf } from '../../model/ir/port.ts';
import type { TargetName } from '../../support/target.ts';
import { quickFacts } from '../model-facts.ts';
import { taskOf } from '../model-task.ts';
import { type JobRun, step } from '../progress.ts';
import { prepareDataFor } from '../try-preprocessing.ts';
import { type SearchShares, sharesOf } from './samples.ts';

export interface SearchKnown {
  readonly prepared: Prepared | null;
  readonly shares: SearchShares | null;
  /** Samples that choose; null without data. */
  readonly choosing: number | null;
}

/** @throws TASK_UNFIT, TOO_FEW_TO_CHOOSE, what opening data throws */
export async function knownBeforeSearch(
  opened: OpenedModel,
  request: CompressRequest,
  target: TargetName,
  run: JobRun,
): Promise<SearchKnown> {
  taskOf(opened, request.task);
  const known = await dataFor(opened, request, run);
  const { prepared } = known;
  const task = taskOf(opened, request.task, prepared?.held.source ?? null);
  run.events.known?.({
    ...{ source: quickFacts(opened), task, data: prepared && dataFacts(prepared) },
    target: targetFacts(target, path.basename(request.output ?? opened.name)),
  });
  return known;
}

const noData: SearchKnown = { prepared: null, shares: null, choosing: null };

async function dataFor(
  opened: OpenedModel,
  request: CompressRequest,
  { events, signal }: JobRun,
): Promise<SearchKnown> {
  const from = dataOptions(request);
  if (!from || from.path === 'synthetic') return noData;
  const ports = portsOf(opened.model);
  const { seed, calibrate: calibration, evaluate, task } = request;
  const prepare = async () => {
    const { length, name } = await openData(from.path, ports, { ...from, seed, model: opened });
    const shares = sharesOf(length, { evaluate, hasTest: from.test !== undefined, name });
    const prepared = await prepareDataFor(opened, ports, from, {
      ...{
        seed,
        calibration,
        synthetic: 0,
        learns: true,
        engine: openEngine,
        signal,
        task,
        needsLabels: false,
      },
      evaluation: shares.evaluate ?? Number.POSITIVE_INFINITY,
      choice: { samples: shares.choose, compares: false },
    });
    return { prepared, shares, choosing: prepared.setAside?.length ?? 0 };
  };
  return step(events, 'data', prepare, (known) => describeData(known.prepared));
}
