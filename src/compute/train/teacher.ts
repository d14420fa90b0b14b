/** What the teacher says of a batch: its outputs, and values inside it that hints name. */

import { addOutput } from '../../model/ir/edit.ts';
import { isGraphOutput, type Model, shapeOf } from '../../model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { findValue } from '../../model/ir/walk.ts';
import { lossTarget } from '../../support/diagnostics/training.ts';
import { prepareTraining } from '../autodiff/prepare.ts';
import type { Engine } from '../engine/contract.ts';
import { openKernel } from '../engine/kernel.ts';
import { beforeSoftmax, type TargetPort, type TeacherShapes } from './objective.ts';

export interface Teacher {
  /** Whether its answers are kept; then `prepare` comes before the first `targets`. */
  readonly remembers: boolean;
  /** Asks for every sample, in the order of the data: what it says of one can depend, in the last bit, on its place in the
   *  batch, and a run that is resumed must hear the same.
   *  @param read  a batch of the data; as many samples as the teacher was opened for */
  prepare(read: (indices: readonly number[]) => Promise<Record<string, Tensor>>): Promise<void>;
  /** Feeds for the targets of a step. @param indices  places of the samples, for what is remembered of them */
  targets(
    batch: Readonly<Record<string, Tensor>>,
    indices: readonly number[],
  ): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** Sizes of named values of the teacher. @throws LOSS_TARGET */
export function teacherShapes(
  teacher: Model,
  shapes: Readonly<Record<string, readonly number[]>>,
  names: readonly string[],
): TeacherShapes {
  if (names.length === 0) return {};
  const pinned = prepareTraining(teacher, shapes);
  return Object.fromEntries(
    names.map((name) => {
      const found = findValue(pinned, name);
      if (!found)
        throw lossTarget(
          name,
          pinned.graph.nodes.flatMap((n) => n.outputs[0]?.name ?? []),
          'teacher',
        );
      return [name, (shapeOf(found) ?? []) as number[]];
    }),
  );
}

/** @param memory  samples in the data when a sample's answer never changes; 0: ask every time
 *  @throws LOSS_TARGET when the teacher lacks a value, ENGINE_OPEN */
export async function openTeacher(
  engine: Engine,
  model: Model,
  shapes: Readonly<Record<string, readonly number[]>>,
  targets: readonly TargetPort[],
  memory: number,
): Promise<Teacher> {
  const pinned = prepareTraining(model, shapes);
  const { graph } = pinned;
  const wanted = targets.flatMap((t) =>
    t.source.kind === 'teacher' ? [{ ...t, value: t.source.value }] : [],
  );
  const fetched = wanted.map((t) => {
    // A distilled output has the student's name; a teacher with one output means that one.
    const byName = findValue(pinned, t.value) ?? (graph.outputs.length === 1 ? graph.outputs[0] : undefined);
    if (!byName)
      throw lossTarget(
        t.value,
        graph.outputs.map((o) => o.name),
        'teacher',
      );
    const value = isGraphOutput(byName) ? beforeSoftmax(byName) : byName;
    if (!isGraphOutput(value)) addOutput(graph, value);
    return { feed: t.name, output: value.name, dims: t.dims };
  });
  const session = await openKernel(engine, pinned);
  const kept = new Map<string, Float32Array>();
  for (const f of fetched) {
    const bytes = 4 * memory * elementCount(f.dims.slice(1));
    if (memory > 0 && bytes <= remembered) kept.set(f.feed, new Float32Array(bytes / 4));
  }
  const remembers = memory > 0 && fetched.length > 0 && kept.size === fetched.length;
  const ask = async (batch: Readonly<Record<string, Tensor>>) => {
    const feeds = Object.fromEntries(session.inputs.map((p) => [p.name, batch[p.name] as Tensor]));
    const out = await session.run(
      feeds,
      fetched.map((f) => f.output),
    );
    return Object.fromEntries(
      fetched.map((f) => [f.feed, tensorOf('float32', f.dims, float32Values(out[f.output] as Tensor))]),
    );
  };
  return {
    remembers,
    async prepare(read) {
      const batch = Object.values(shapes)[0]?.[0] ?? 1;
      for (let start = 0; start < memory; start += batch) {
        // The last batch is filled up with samples that were asked for already.
        const at = Math.min(start, memory - batch);
        const answers = await ask(await read(Array.from({ length: batch }, (_, i) => at + i)));
        for (const [feed, store] of kept) {
          const values = float32Values(answers[feed] as Tensor);
          const size = values.length / batch;
          store.set(values.subarray((start - at) * size), start * size);
        }
      }
    },
    async targets(batch, indices) {
      if (fetched.length === 0) return {};
      if (!remembers) return ask(batch);
      return Object.fromEntries(
        fetched.map((f) => {
          const store = kept.get(f.feed) as Float32Array;
          const size = elementCount(f.dims.slice(1));
          const values = new Float32Array(size * indices.length);
          indices.forEach((i, k) => void values.set(store.subarray(i * size, (i + 1) * size), k * size));
          return [f.feed, tensorOf('float32', f.dims, values)];
        }),
      );
    },
    close: () => session.close(),
  };
}

/** Answers larger than this in all are asked for again in every epoch. */
const remembered = 1 << 28;
