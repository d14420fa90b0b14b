/** Tries a removal on a copy of the model: how far its answer is from what it was, with what is left refitted. */

import { runSamples, type Samples } from '../../compute/calibrate/run-samples.ts';
import { stackedSamples } from '../../compute/calibrate/stacked.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Sample } from '../../data/source.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import { isFloat } from '../../model/ir/dtype.ts';
import { setConstant, setOutputs } from '../../model/ir/edit.ts';
import { dtypeOf, type Model, type Value } from '../../model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { findValue } from '../../model/ir/walk.ts';
import { calibrationNotFinite } from '../../support/diagnostics/data.ts';
import { type ChannelGroup, findChannelGroups } from './channel-groups.ts';
import type { Reading } from './elimination.ts';
import { fitWeights } from './least-squares.ts';
import { removeUnits } from './remove.ts';
import type { Layout, WeightLayer } from './unstructured-layers.ts';

/** A layer that reads the units of a group. */
export interface Reader {
  readonly layer: WeightLayer & { readonly layout: Layout };
  /** Columns of each unit. */
  readonly units: readonly (readonly number[])[];
}

/** The same, and what it reads. */
export type Read = Reading & Reader;

interface Trial {
  /** Error of the answer without some units of a group, relative to its variance. @param units  places in the group */
  without(group: ChannelGroup, units: readonly number[], readings: readonly Read[]): Promise<number>;
}

interface TrialOptions extends Stoppable {
  /** Samples that are run at a time. */
  readonly together: number;
  /** As the groups were found. */
  readonly shrinkNorms?: boolean | undefined;
}

/** Keeps the samples, and the answer of the model as it is: its first output of real numbers.
 *  @throws ENGINE_OPEN, ENGINE_RUN, CALIBRATION_NOT_FINITE */
export async function openTrial(
  engine: Engine,
  model: Model,
  samples: Samples,
  { together, shrinkNorms = false, signal }: TrialOptions,
): Promise<Trial> {
  const { outputs } = model.graph;
  const answer = Math.max(
    0,
    outputs.findIndex((v) => isFloat(dtypeOf(v))),
  );
  const answers = async (of: Model, some: Samples) => {
    const copy = cloneModel(of);
    setOutputs(copy.graph, [copy.graph.outputs[answer] as Value]);
    const found: Float32Array[] = [];
    await runSamples(engine, copy, some, signal, ([t]) => found.push(float32Values(t!).slice()));
    return found;
  };
  const [first] = await answers(model, { count: 1, read: samples.read });
  const count = Math.max(1, Math.min(samples.count, Math.floor(answerLimit / first!.length)));
  const kept = await readAll(await stackedSamples({ count, read: samples.read }, model.graph, together));
  const dense = await answers(model, kept);
  const broken = dense.findIndex((a) => !a.every(Number.isFinite));
  if (broken >= 0) throw calibrationNotFinite(outputs[answer]!.name, (await kept.read(broken)).id);
  const all = dense.reduce((n, a) => n + a.length, 0);
  const mean = dense.reduce((sum, a) => sum + a.reduce((s, v) => s + v, 0), 0) / all;
  const variance = dense.reduce((sum, a) => sum + a.reduce((s, v) => s + (v - mean) ** 2, 0), 0);
  return {
    async without(group, units, readings) {
      const copy = cloneModel(model);
      const gone = new Set(units);
      for (const r of readings) fitWithout(copy, r, gone);
      // What else is pinned in the model does not matter: its units are not asked for.
      const found = findChannelGroups(copy, { shrinkNorms });
      const ids = new Map(found.groups.flatMap((g) => g.keys.map((key, u) => [key, g.units[u]!] as const)));
      removeUnits(copy, found, new Set(units.map((u) => ids.get(group.keys[u]!)!)));
      const now = await answers(copy, kept);
      const error = now.reduce(
        (sum, a, i) => sum + a.reduce((s, v, k) => s + (v - dense[i]![k]!) ** 2, 0),
        0,
      );
      return Number.isFinite(error) ? error / Math.max(variance, 1e-30) : beyondAll;
    },
  };
}

/** Error of an answer that is not a number. */
const beyondAll = 1e9;

/** Numbers of answers that are kept. */
const answerLimit = 2 ** 23;

async function readAll(samples: Samples): Promise<Samples> {
  const all: Sample[] = [];
  for (let i = 0; i < samples.count; i++) all.push(await samples.read(i));
  return { count: all.length, read: async (i) => all[i] as Sample };
}

/** The weights for what is left, in closed form from the moments of the dense model. */
function fitWithout(copy: Model, reading: Read, gone: ReadonlySet<number>): void {
  const { layer, moments: h, rows, columns, units, damping } = reading;
  const { rowStride, columnStride } = layer.layout;
  const away = new Set([...gone].flatMap((u) => units[u]!));
  const stay = Array.from({ length: columns }, (_, c) => c).filter((c) => !away.has(c));
  const value = findValue(copy, layer.value.name) as Value;
  const tensor = value.constant as Tensor;
  const next = float32Values(tensor).slice();
  const w = (r: number, c: number) => next[r * rowStride + c * columnStride]!;
  const prior = Float64Array.from({ length: rows * stay.length }, (_, k) =>
    w(Math.floor(k / stay.length), stay[k % stay.length]!),
  );
  const xx = Float64Array.from(
    { length: stay.length ** 2 },
    (_, k) => h[stay[Math.floor(k / stay.length)]! * columns + stay[k % stay.length]!]!,
  );
  const yx = new Float64Array(rows * stay.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const factor = w(r, c);
      if (factor !== 0)
        for (let s = 0; s < stay.length; s++) yx[r * stay.length + s]! += factor * h[c * columns + stay[s]!]!;
    }
  const none = { x: new Float64Array(stay.length), y: new Float64Array(rows) };
  const { weights } = fitWeights({ places: 1, xx, yx, ...none }, prior, damping, false);
  for (let r = 0; r < rows; r++)
    stay.forEach((c, s) => {
      next[r * rowStride + c * columnStride] = weights[r * stay.length + s]!;
    });
  setConstant(value, tensorOf('float32', tensor.dims, next));
}
