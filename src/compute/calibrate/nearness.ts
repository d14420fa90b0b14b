/** How near a changed model's outputs stay to the original's, on samples that calibrated it: what chooses between ways to quantise. */

import { isFloat } from '../../model/ir/dtype.ts';
import type { Model } from '../../model/ir/model.ts';
import { float32Values, sizeBytes, type Tensor } from '../../model/ir/tensor.ts';
import { modelMacs } from '../../model/ops/cost.ts';
import { spread } from '../../support/spread.ts';
import type { Engine } from '../engine/contract.ts';
import type { Stoppable } from '../engine/run-context.ts';
import { runSamples, type Samples } from './run-samples.ts';

export interface Nearness {
  /** 10·log10(Σx² / Σ(x − y)²) of each output, the mean over float outputs, 100 dB at most. null: something isn't finite, or all is zero. */
  readonly sqnrDb: number | null;
  readonly samples: number;
}

/** Runs both on the same samples. @param reference  what outputs should stay near to */
export type MeasureNearness = (model: Model, reference: Model) => Promise<Nearness>;

/** Samples that it is measured on: fewer of what takes long, always the same number for the same model. */
const most = 16;
const fewest = 4;
const mostMacs = 8e9;
/** Outputs of the original that are kept, in bytes. */
const mostKept = 2 ** 27;
const capDb = 100;

interface Reference {
  /** Outputs of each sample. */
  readonly outputs: readonly (readonly Tensor[])[];
  readonly samples: Samples;
}

/** @param samples  that calibrated; some of them are taken, at equal distances */
export function createNearness(
  engine: Engine,
  samples: Samples,
  { signal }: Stoppable = {},
): MeasureNearness {
  const references = new WeakMap<Model, Promise<Reference>>();
  const referenceOf = (model: Model): Promise<Reference> => {
    const known = references.get(model) ?? referenceOn(engine, model, samples, signal);
    references.set(model, known);
    return known;
  };
  return async (model, reference) => {
    const { outputs, samples: some } = await referenceOf(reference);
    const sums = model.graph.outputs.map(() => ({ signal: 0, noise: 0 }));
    await runSamples(engine, model, some, signal, (tensors, _, i) => {
      tensors.forEach((y, k) => {
        if (isFloat(y.dtype)) add(sums[k]!, float32Values(outputs[i]![k]!), float32Values(y));
      });
    });
    return { sqnrDb: meanDb(sums), samples: some.count };
  };
}

/** Samples between those that ranges are searched on, where there are enough: on these a range that clips looks better than on others. */
function judgesOf(count: number): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  return count < 2 * most ? all : spread(all, 2 * most).filter((_, k) => k % 2 === 1);
}

async function referenceOn(
  engine: Engine,
  model: Model,
  samples: Samples,
  signal: Stoppable['signal'],
): Promise<Reference> {
  const { macs } = modelMacs(model);
  const count = Math.max(fewest, Math.min(most, Math.floor(mostMacs / Math.max(macs ?? mostMacs, 1))));
  const indices = spread(judgesOf(samples.count), count);
  const outputs: Tensor[][] = [];
  let bytes = 0;
  const some = { count: indices.length, read: (i: number) => samples.read(indices[i]!) };
  await runSamples(engine, model, some, signal, (tensors) => {
    bytes += tensors.reduce((n, t) => n + sizeBytes(t), 0);
    if (outputs.length === 0 || bytes <= mostKept) outputs.push([...tensors]);
  });
  return { outputs, samples: { ...some, count: outputs.length } };
}

function add(sums: { signal: number; noise: number }, x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i]!, y[i]!];
    // What is infinite in both, as scores behind a mask, is no difference.
    if (a === b && !Number.isFinite(a)) continue;
    sums.signal += a * a;
    sums.noise += (a - b) ** 2;
  }
  if (x.length !== y.length) sums.noise = Number.NaN;
}

function meanDb(sums: readonly { readonly signal: number; readonly noise: number }[]): number | null {
  const known = sums.filter((s) => s.signal > 0 || s.noise !== 0);
  const db = known.map(({ signal, noise }) => Math.min(capDb, 10 * Math.log10(signal / noise)));
  const mean = db.reduce((a, b) => a + b, 0) / db.length;
  return Number.isFinite(mean) ? mean : null;
}
