/** Two models of one origin run over the same samples in one graph, so that what one answers can be compared with the other
 *  inside it. What lies behind is not computed again: the values that later nodes read are kept for all samples. */

import { runSamples, type Samples } from '../../compute/calibrate/run-samples.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Sample } from '../../data/source.ts';
import { copyContent } from '../../model/ir/clone.ts';
import { byteLength } from '../../model/ir/dtype.ts';
import {
  addInput,
  allReads,
  createModel,
  createValue,
  removeInput,
  setOutputs,
} from '../../model/ir/edit.ts';
import { dtypeOf, type Graph, type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { denseTensor, elementCount, type Tensor } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { sweep } from './remove.ts';

/** A graph that both models have been copied into. */
export interface Joint {
  readonly graph: Graph;
  /** What stands for a value of the dense model; undefined where it lies behind. */
  dense(name: string): Value | undefined;
  pruned(value: Value): Value | undefined;
}

export interface SideBySide {
  /** Goes on to just before this node of the pruned model, or less far where too much would have to be kept. Nothing before it
   *  may be edited or asked for afterwards. */
  advance(node: Node): Promise<void>;
  /** @param build  adds to the joint graph and says what to fetch @param take  gets that, for each stack of samples */
  run(
    build: (joint: Joint) => readonly Value[],
    take: (tensors: readonly Tensor[], sample: Sample) => void,
  ): Promise<void>;
}

export interface SideBySideOptions extends Stoppable {
  /** Samples in a stack. Default 1. */
  readonly stack?: number;
  /** Bytes of values that are kept between pieces. Default 512 MiB. */
  readonly memoryBytes?: number;
}

/** What has been run of one model. */
interface Front {
  readonly model: Model;
  readonly prefix: string;
  /** Nodes done. */
  done: number;
  /** What later nodes read of them, and of the model's inputs. */
  live: readonly Value[];
}

/** @param samples  stacks of samples; `count` of them are read once each time that nothing is kept yet */
export function openSideBySide(
  engine: Engine,
  dense: Model,
  pruned: Model,
  samples: Samples,
  options: SideBySideOptions = {},
): SideBySide {
  const [a, b] = [frontOf(dense, ''), frontOf(pruned, 'pruned/')];
  let source = samples;
  const run: SideBySide['run'] = async (build, take) => {
    const model = createModel({
      opsets: new Map([...dense.opsets, ...pruned.opsets]),
      irVersion: dense.irVersion,
      functions: dense.functions,
    });
    const { graph } = model;
    const known = new Map<string, Value>();
    const copies = [a, b].map((front) => copyRest(front, graph, known)) as [Copies, Copies];
    const outputs = build({
      graph,
      dense: (name) => copies[0].byName.get(name),
      pruned: (value) => copies[1].all.get(value),
    });
    setOutputs(graph, outputs);
    sweep(model);
    for (const v of [...graph.inputs]) if (v.uses.length === 0) removeInput(graph, v);
    await runSamples(engine, model, source, options.signal, take);
  };
  return {
    run,
    async advance(node) {
      const goal = farthest(
        a,
        b,
        node,
        (v) => bytesOf(v, options.stack ?? 1) * source.count,
        options.memoryBytes ?? 2 ** 29,
      );
      if (!goal) return;
      const wanted = ([a, b] as const).flatMap((front, i) =>
        goal.live[i]!.map((value) => ({ front, value, key: keyOf(front, value) })),
      );
      // What is there already is carried over: an output may not be an input.
      const here = new Set([...a.live.map((v) => keyOf(a, v)), ...b.live.map((v) => keyOf(b, v))]);
      const fresh = wanted.filter(({ key }) => !here.has(key));
      // All of it may be there: nodes in between make nothing that is read.
      if (fresh.length > 0) {
        const kept: Sample[] = [];
        let k = 0;
        await run(
          (joint) =>
            fresh.map(({ front, value }) => {
              const found = (front === a ? joint.dense(value.name) : joint.pruned(value)) as Value;
              found.type = tensorType(dtypeOf(value)!, null);
              return found;
            }),
          (tensors, sample) => {
            const inputs = Object.fromEntries(fresh.map(({ key }, i) => [key, copyOf(tensors[i]!)]));
            for (const { key } of wanted) if (here.has(key)) inputs[key] = sample.inputs[key] as Tensor;
            kept[k++] = { id: sample.id, inputs };
          },
        );
        source = { count: kept.length, read: async (i) => kept[i] as Sample };
      }
      for (const [i, front] of [a, b].entries()) {
        front.done = goal.done[i]!;
        front.live = goal.live[i]!;
      }
    },
  };
}

const frontOf = (model: Model, prefix: string): Front => ({
  model,
  prefix,
  done: 0,
  live: model.graph.inputs.filter((v) => !v.constant),
});

/** Inputs are the same for both. */
const keyOf = ({ model, prefix }: Front, value: Value) =>
  model.graph.inputs.includes(value) ? value.name : `${prefix}${value.name}`;

interface Copies {
  readonly all: ReadonlyMap<Value, Value>;
  readonly byName: ReadonlyMap<string, Value>;
}

/** Nodes that are still to be run, reading what is kept from new inputs. */
function copyRest(front: Front, into: Graph, known: Map<string, Value>): Copies {
  const { model, prefix, done, live } = front;
  const inputs = live.map((value) => {
    const key = keyOf(front, value);
    const type = done === 0 ? value.type : tensorType(dtypeOf(value) ?? 'float32', null);
    const input = known.get(key) ?? addInput(into, createValue(into.names, key, type, true));
    known.set(key, input);
    return [value, input] as const;
  });
  const rest = { ...model.graph, nodes: model.graph.nodes.slice(done) };
  const all = copyContent(rest, into, new Map(inputs), (name) => `${prefix}${name}`);
  return { all, byName: new Map([...all].map(([value, copy]) => [value.name, copy])) };
}

interface Goal {
  /** Of the dense model, and of the pruned one. */
  readonly done: readonly [number, number];
  readonly live: readonly [readonly Value[], readonly Value[]];
}

/** The last place up to `node` where what must be kept of both models fits; null where there is none ahead. */
function farthest(a: Front, b: Front, node: Node, size: (v: Value) => number, limit: number): Goal | null {
  const places = new Map(a.model.graph.nodes.map((n, i) => [n.outputs[0]?.name, i]));
  const last = b.model.graph.nodes.indexOf(node);
  const most = places.get(node.outputs[0]?.name) ?? -1;
  for (let at = last; at > b.done; at--) {
    const before = places.get(b.model.graph.nodes[at]!.outputs[0]?.name);
    if (before === undefined || before <= a.done || before > most) continue;
    const live = [liveAt(a.model.graph, before), liveAt(b.model.graph, at)] as const;
    if (live.flat().reduce((sum, v) => sum + size(v), 0) <= limit) return { done: [before, at], live };
  }
  return null;
}

/** Values that are made before a place and read from there on; inputs among them. */
function liveAt(graph: Graph, place: number): Value[] {
  const made = new Set<Value>(graph.inputs.filter((v) => !v.constant));
  for (const node of graph.nodes.slice(0, place)) for (const v of node.outputs) if (v) made.add(v);
  const read = new Set(graph.nodes.slice(place).flatMap(allReads));
  return [...made].filter((v) => read.has(v));
}

/** Of a stack. A length that is not known counts as 128. */
function bytesOf(value: Value, stack: number): number {
  const shape = shapeOf(value);
  const dtype = dtypeOf(value);
  if (!shape || !dtype) return Number.POSITIVE_INFINITY;
  return byteLength(
    dtype,
    elementCount(shape.map((d, axis) => (typeof d === 'number' ? d : axis === 0 ? stack : 128))),
  );
}

/** Results of the engine may lie in memory that it uses again. */
const copyOf = (t: Tensor) => denseTensor(t.dtype, t.dims, t.bytes().slice());
