/** How good a student is on samples that it doesn't train on: one number, larger is better. */

import type { Model } from '../../model/ir/model.ts';
import { float32Values, numbers, type Tensor } from '../../model/ir/tensor.ts';
import { prepareTraining } from '../autodiff/prepare.ts';
import type { Session } from '../engine/contract.ts';
import { openKernel } from '../engine/kernel.ts';
import type { RunContext } from '../engine/run-context.ts';
import type { TrainingData } from './data.ts';

type HeldOutMetric = 'accuracy' | 'agreement' | 'SQNR';

export interface HeldOut {
  readonly metric: HeldOutMetric;
  /** accuracy: share of labels met; agreement: share of arg maxes that are the teacher's; SQNR: of the outputs against
   *  the teacher's, in dB. */
  measure(student: Model): Promise<number>;
  close(): Promise<void>;
}

interface HeldOutOptions extends Pick<RunContext, 'engine'> {
  readonly data: TrainingData;
  readonly batch: number;
  readonly teacher: Model | null;
  /** Whether the first output scores classes along its last axis. */
  readonly scores: boolean;
}

/** Accuracy where there are labels, else nearness to the teacher; null when there is neither. */
export async function openHeldOut(options: HeldOutOptions): Promise<HeldOut | null> {
  const { engine, data, teacher, scores } = options;
  if (data.length === 0) return null;
  const metric = data.labelled && scores ? 'accuracy' : teacher ? (scores ? 'agreement' : 'SQNR') : null;
  if (!metric) return null;
  const batch = Math.min(options.batch, data.length);
  const shapes = Object.fromEntries(Object.entries(data.shapes).map(([n, d]) => [n, [batch, ...d]]));
  const open = async (model: Model) => openKernel(engine, prepareTraining(model, shapes));
  const reference = metric === 'accuracy' || !teacher ? null : await open(teacher);
  return {
    metric,
    async measure(student) {
      const session = await open(student);
      try {
        const meter = metric === 'SQNR' ? ratioMeter() : shareMeter();
        for (let start = 0; start < data.length; start += batch) {
          // The last batch is filled up with samples that have counted already.
          const at = Math.min(start, data.length - batch);
          const indices = Array.from({ length: batch }, (_, i) => at + i);
          const fed = await data.batch({ indices, epoch: 0, seed: 0 });
          const output = await first(session, fed);
          const target = reference ? await first(reference, fed) : (fed['labels'] as Tensor);
          meter.add(output, target, start - at);
        }
        return meter.value();
      } finally {
        await session.close();
      }
    },
    close: async () => reference?.close(),
  };
}

async function first(session: Session, batch: Readonly<Record<string, Tensor>>): Promise<Tensor> {
  const feeds = Object.fromEntries(session.inputs.map((p) => [p.name, batch[p.name] as Tensor]));
  const name = session.outputs[0]?.name ?? '';
  return (await session.run(feeds, [name]))[name] as Tensor;
}

interface Meter {
  /** @param skip  samples at the start of the batch that don't count */
  add(output: Tensor, target: Tensor, skip: number): void;
  value(): number;
}

function shareMeter(): Meter {
  let [hits, counted] = [0, 0];
  return {
    add(output, target, skip) {
      const best = argMaxRows(output);
      const wanted = target.dtype === 'int64' ? Array.from(numbers(target), Number) : argMaxRows(target);
      const from = (skip * best.length) / (output.dims[0] ?? 1);
      for (let i = from; i < best.length; i++) {
        const label = wanted[i];
        if (label === undefined || label < 0) continue;
        counted++;
        if (best[i] === label) hits++;
      }
    },
    value: () => hits / Math.max(1, counted),
  };
}

/** Classes stand on the last axis, or on axis 1 of [N, C, 1, 1]. */
function argMaxRows(t: Tensor): number[] {
  const values = float32Values(t);
  const wide = t.dims.slice(1).filter((d) => d > 1);
  const classes = wide.length === 1 ? (wide[0] as number) : (t.dims.at(-1) ?? 1);
  return Array.from({ length: values.length / classes }, (_, r) => {
    let best = 0;
    for (let c = 1; c < classes; c++)
      if ((values[r * classes + c] as number) > (values[r * classes + best] as number)) best = c;
    return best;
  });
}

function ratioMeter(): Meter {
  let [signal, noise] = [0, 0];
  return {
    add(output, target, skip) {
      const [a, b] = [float32Values(output), float32Values(target)];
      for (let i = (skip * a.length) / (output.dims[0] ?? 1); i < a.length; i++) {
        signal += (b[i] as number) ** 2;
        noise += ((a[i] as number) - (b[i] as number)) ** 2;
      }
    },
    value: () => 10 * Math.log10(signal / Math.max(noise, 1e-30)),
  };
}
