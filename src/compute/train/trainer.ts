/** Runs a training step over and over. Every tensor that lives from step to step has two places in memory; a step reads
 *  one and writes the other, so a step that went wrong leaves the state before it untouched. */

import { byteLength } from '../../model/ir/dtype.ts';
import {
  denseTensor,
  elementCount,
  float32Values,
  scalar,
  type Tensor,
  tensorOf,
} from '../../model/ir/tensor.ts';
import { checkpointMismatch, trainingDiverged } from '../../support/diagnostics/training.ts';
import { emptyRecord } from '../../support/own.ts';
import type { Engine, Session } from '../engine/contract.ts';
import { openKernel } from '../engine/kernel.ts';
import type { TrainingStep } from './step.ts';
import { measures, scalarInputs, type Variable } from './step-variables.ts';

export interface StepResult {
  readonly loss: number;
  /** Each term of the loss before its weight. */
  readonly parts: Readonly<Record<string, number>>;
  /** Share of right labels in the batch; null without cross-entropy. */
  readonly accuracy: number | null;
  /** Global norm of the gradient before clipping; null in a step that only adds gradients up. */
  readonly gradientNorm: number | null;
}

export interface Trainer {
  /** Steps (updates) done. */
  readonly steps: number;
  /** Takes one batch: inputs and targets by name. With accumulation the update follows after the last of its batches.
   *  @param settings  `seed`: what random numbers of the step follow from, besides its number
   *  @throws TRAINING_DIVERGED when loss or gradient is not a number; the weights are those before the batch */
  run(
    batch: Readonly<Record<string, Tensor>>,
    settings: { readonly learningRate: number; readonly seed: number },
  ): Promise<StepResult>;
  /** What lives from step to step, by name; copies. */
  state(): Record<string, Tensor>;
  /** Puts back what `state` gave, after `steps` updates and `gathered` batches towards the next. Unknown names are left out.
   *  @throws CHECKPOINT_MISMATCH when one is missing or has another shape; nothing is put back then */
  restore(state: Readonly<Record<string, Tensor>>, steps: number, gathered?: number): void;
  /** Weights and statistics of the student, or their moving average; copies. */
  weights(average?: boolean): Record<string, Tensor>;
  setMask(parameter: string, mask: Tensor): void;
  close(): Promise<void>;
}

interface Slot {
  readonly variable: Variable;
  /** Read by the next step. */
  current: Tensor;
  /** Written by it. */
  next: Tensor;
}

/** @param options  `accumulate`: batches per update, as the step was built for @throws ENGINE_OPEN */
export async function openTrainer(
  engine: Engine,
  step: TrainingStep,
  options: { readonly threads?: number | undefined; readonly accumulate?: number } = {},
): Promise<Trainer> {
  // A quarter less memory at its peak, at the same speed.
  const settings = { memoryPattern: false, threads: options.threads };
  const session = await openKernel(engine, step.model, settings);
  const updater = step.update ? await openKernel(engine, step.update, settings) : null;
  const slots = new Map<string, Slot>();
  for (const v of [...step.variables, ...step.updateVariables])
    if (!slots.has(v.name))
      slots.set(v.name, { variable: v, current: copyOf(v.initial), next: empty(v.initial) });
  const masks = new Map(Object.keys(step.masks).map((name) => [name, notZero(slots.get(name)?.current)]));
  const accumulate = options.accumulate ?? 1;
  let [steps, gathered] = [0, 0];

  const runOn = async (
    target: Session,
    variables: readonly Variable[],
    batch: Readonly<Record<string, Tensor>>,
  ): Promise<Record<string, Tensor>> => {
    const feeds = Object.assign(emptyRecord<Tensor>(), batch);
    const into: Record<string, Tensor> = {};
    for (const v of variables) {
      const slot = slots.get(v.name) as Slot;
      feeds[v.input] = slot.current;
      if (v.output) into[v.output] = slot.next;
    }
    for (const [name, mask] of masks) {
      const port = step.masks[name] as string;
      if (target.inputs.some((p) => p.name === port)) feeds[port] = mask;
    }
    const known = new Set(target.inputs.map((p) => p.name));
    for (const name of Object.keys(feeds)) if (!known.has(name)) delete feeds[name];
    return target.run(feeds, undefined, into);
  };
  const swap = (variables: readonly Variable[]) => {
    for (const v of variables) {
      const slot = slots.get(v.name) as Slot;
      if (v.output) [slot.current, slot.next] = [slot.next, slot.current];
    }
  };
  const check = (out: Record<string, Tensor>, loss: number | null): number | null => {
    const norms = out[measures.gradientNorms];
    const values = norms ? float32Values(norms) : new Float32Array();
    const bad = step.parameters.filter((_, i) => i < values.length && !Number.isFinite(values[i]));
    if ((loss !== null && !Number.isFinite(loss)) || bad.length > 0)
      throw trainingDiverged(steps + 1, loss, bad, step.parameters.length);
    return norms ? Math.hypot(...values) : null;
  };

  return {
    get steps() {
      return steps;
    },
    async run(batch, { learningRate, seed }) {
      const changing = {
        [scalarInputs.learningRate]: scalar('float32', learningRate),
        [scalarInputs.step]: scalar('float32', steps + 1),
      };
      const random = step.randomSeed
        ? {
            random_seed: tensorOf(
              'int64',
              [],
              [BigInt(seed) * 1_000_003n + BigInt(steps * accumulate + gathered)],
            ),
          }
        : {};
      const out = await runOn(session, step.variables, { ...batch, ...random, ...changing });
      const loss = numberOf(out[measures.loss]) ?? Number.NaN;
      let norm = check(out, loss);
      swap(step.variables);
      gathered++;
      if (updater && gathered === accumulate) {
        const updated = await runOn(updater, step.updateVariables, changing);
        norm = check(updated, null);
        swap(step.updateVariables);
        for (const slot of slots.values())
          if (slot.variable.kind === 'accumulated') slot.current.bytes().fill(0);
      }
      if (gathered === accumulate) {
        gathered = 0;
        steps++;
      }
      return {
        loss,
        parts: Object.fromEntries(step.parts.map((p) => [p, numberOf(out[`loss.${p}`]) ?? Number.NaN])),
        accuracy: step.hasAccuracy ? numberOf(out[measures.accuracy]) : null,
        gradientNorm: norm,
      };
    },
    state: () => Object.fromEntries([...slots].map(([name, s]) => [name, copyOf(s.current)])),
    restore(state, done, towards = 0) {
      const fits = ([name, { current }]: [string, Slot]) =>
        state[name]?.dtype === current.dtype && `${state[name].dims}` === `${current.dims}`;
      if (![...slots].every(fits)) throw checkpointMismatch();
      for (const [name, slot] of slots) slot.current.bytes().set((state[name] as Tensor).bytes());
      steps = done;
      gathered = towards;
    },
    weights(average = false) {
      const found: Record<string, Tensor> = emptyRecord();
      for (const [name, slot] of slots) {
        const { kind } = slot.variable;
        if (kind !== 'weight' && kind !== 'statistic') continue;
        found[name] = copyOf((average && slots.get(`${name}.average`)?.current) || slot.current);
      }
      return found;
    },
    setMask: (name, mask) => void masks.set(name, mask),
    async close() {
      await session.close();
      await updater?.close();
    },
  };
}

/** Memory of its own, aligned to its elements, that the runtime may write to. */
const empty = (t: Tensor): Tensor =>
  denseTensor(t.dtype, t.dims, new Uint8Array(new ArrayBuffer(byteLength(t.dtype, elementCount(t.dims)))));

function copyOf(t: Tensor): Tensor {
  const copy = empty(t);
  copy.bytes().set(t.bytes());
  return copy;
}

/** 1 where a weight is not zero: zeros of pruning stay. */
const notZero = (t: Tensor | undefined): Tensor =>
  tensorOf('float32', t?.dims ?? [], t ? float32Values(t).map((w) => (w === 0 ? 0 : 1)) : []);

const numberOf = (t: Tensor | undefined): number | null => (t ? (float32Values(t)[0] ?? null) : null);
