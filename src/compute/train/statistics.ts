/** Running statistics of BatchNormalization, estimated again: a forward pass over some batches with the weights held. What a
 *  pruned network needs when there is too little data to train it. */

import {
  addInput,
  addNode,
  addOutput,
  createValue,
  removeInitializer,
  replaceAllUses,
  setOutputs,
} from '../../model/ir/edit.ts';
import type { Model } from '../../model/ir/model.ts';
import { type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { removeDead } from '../../model/rewrite/known-sizes.ts';
import { emptyRecord } from '../../support/own.ts';
import { lower } from '../autodiff/lower.ts';
import { prepareTraining } from '../autodiff/prepare.ts';
import type { Engine } from '../engine/contract.ts';
import { openKernel } from '../engine/kernel.ts';
import type { Stoppable } from '../engine/run-context.ts';
import { epochOrder, type TrainingData } from './data.ts';
import { withWeights } from './with-weights.ts';

/** Batches to go over: the old statistics have a weight of 0.9^40 = 1.5 % left at the usual momentum. */
const batches = 40;

/** @returns a copy with new statistics; the model itself when it has none */
export async function reestimateStatistics(
  engine: Engine,
  model: Model,
  data: TrainingData,
  options: Stoppable & { readonly batch?: number; readonly seed?: number } = {},
): Promise<Model> {
  const batch = Math.min(options.batch ?? 64, data.length);
  const shapes = Object.fromEntries(Object.entries(data.shapes).map(([n, d]) => [n, [batch, ...d]]));
  const graph = prepareTraining(model, shapes);
  const inputs = graph.graph.inputs.filter((v) => !v.constant).map((v) => v.name);
  const { updates, seed } = lower(graph, 'train');
  const states = [...updates].map(([state, next]) => ({ name: state.name, state, next }));
  if (states.length === 0) return model;
  setOutputs(graph.graph, []);
  const ports = states.map(({ name, state, next }) => {
    const input = addInput(graph.graph, createValue(graph.names, `${name}.in`, state.type));
    replaceAllUses(state, input);
    const initial = state.constant as Tensor;
    removeInitializer(graph.graph, state);
    const output = createValue(graph.names, `${name}.out`, next.type);
    addNode(graph.graph, { opType: 'Identity', inputs: [next], outputs: [output] });
    addOutput(graph.graph, output);
    return { name, input: input.name, output: output.name, initial };
  });
  removeDead(graph.graph);
  const session = await openKernel(engine, graph);
  try {
    const known = new Set(session.inputs.map((p) => p.name));
    let current = Object.fromEntries(ports.map((p) => [p.name, p.initial]));
    const perEpoch = Math.max(1, Math.floor(data.length / batch));
    for (let i = 0; i < batches; i++) {
      options.signal?.throwIfAborted();
      const epoch = Math.floor(i / perEpoch);
      const order = epochOrder(data.length, epoch, options.seed ?? 0);
      const start = (i % perEpoch) * batch;
      const fed = await data.batch({ indices: order.slice(start, start + batch), epoch, seed: 0 });
      const feeds: Record<string, Tensor> = emptyRecord();
      for (const name of inputs) if (known.has(name) && fed[name]) feeds[name] = fed[name];
      for (const p of ports) feeds[p.input] = current[p.name] as Tensor;
      if (seed) feeds[seed.name] = tensorOf('int64', [], [BigInt(i)]);
      const out = await session.run(feeds);
      current = Object.fromEntries(ports.map((p) => [p.name, out[p.output] as Tensor]));
    }
    return withWeights(model, current);
  } finally {
    await session.close();
  }
}
