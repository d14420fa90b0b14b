/** The samples that finished models are compared or evaluated on. */
import { openEngine } from '../compute/engine/open.ts';
import { openOn } from '../compute/engine/open-model.ts';
import { openData } from '../data/open.ts';
import type { DataSource } from '../data/source.ts';
import { splitData } from '../data/split.ts';
import { createSyntheticSource } from '../data/synthetic.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { portsOf } from '../model/ir/port.ts';
import { withCarriedStates } from './carry-states.ts';
import type { CompareRequest } from './requests/compare.ts';

export interface Samples {
  readonly source: DataSource;
  readonly indices: readonly number[];
}

/** As many as were asked for, spread over all. @throws what openData throws */
export async function chooseSamples(opened: OpenedModel, request: CompareRequest): Promise<Samples> {
  const { data, evaluate, seed, engine } = request;
  const ports = portsOf(opened.model);
  const source =
    data === 'synthetic'
      ? createSyntheticSource(ports, { seed, length: Math.min(evaluate ?? 32, mostSynthetic) })
      : await openData(data, ports, { ...request, model: opened });
  const wanted = Math.min(evaluate ?? source.length, source.length);
  const { evaluation } = await splitData(source, { calibration: 0, evaluation: wanted, seed });
  if (!source.carried) return { source, indices: evaluation };
  const session = await openOn(await openEngine(engine), opened);
  try {
    return { source: await withCarriedStates(source, evaluation, session), indices: evaluation };
  } finally {
    await session.close();
  }
}

/** "all" of what has no end. */
const mostSynthetic = 1000;
