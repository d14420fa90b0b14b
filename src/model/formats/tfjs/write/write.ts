/** Writes a model as a TensorFlow.js graph-model: model.json and shards of weights beside it. */
import { tfjsOperator } from '../../../../support/diagnostics/tfjs-writing.ts';
import type { Model } from '../../../ir/model.ts';
import { channelsLast } from '../../../layout/channels-last.ts';
import { quantizedOperators } from '../../../rewrite/quantized/index.ts';
import type { WrittenFile } from '../../format.ts';
import { lowerModel } from '../../lowered/lower.ts';
import { orRefused } from '../../lowered/refusal.ts';
import { aboutOf, headOf, nodeNames } from '../about.ts';
import { type BuiltGraph, buildGraph, type TfPort } from './build.ts';
import type { TfNode, WeightData } from './graph.ts';
import {
  createNames,
  functionJson,
  type Names,
  nodeJson,
  portJson,
  refName,
  weightJson,
} from './model-json.ts';
import { shardNames, shardPieces, storedBytes } from './shards.ts';

/** @param name  of the JSON; shards are named as TensorFlow.js's own tools name them
 *  @throws TFJS_OPERATOR, TFJS_TYPE, TFJS_INTEGER, TFJS_RANK, and what upgrades and functions throw */
export function writeGraphModel(model: Model, name = 'model.json'): WrittenFile[] {
  const lowered = lowerModel(model, quantizedOperators);
  channelsLast(lowered.model);
  const built = orRefused(() => buildGraph(lowered), lowered.model.graph, model, tfjsOperator);
  const names = createNames();
  const nodeOf = nodeNames(model);
  for (const { name, ref } of [...built.inputs, ...built.outputs]) {
    ref.node.hint = nodeOf(name);
    names.of(ref.node);
  }
  const constants = [built.nodes, ...built.functions.map((f) => f.graph.nodes)].flatMap((nodes) =>
    nodes.filter(isConstant),
  );
  const weights = constants.map((node) => node.weight);
  const shards = shardNames(weights.reduce((sum, weight) => sum + storedBytes(weight), 0));
  const manifest = [
    { paths: shards, weights: constants.map((node) => weightJson(names.of(node), node.weight)) },
  ];
  const text = JSON.stringify({
    ...headOf(model),
    ...topology(built, names),
    ...aboutOf(model),
    weightsManifest: manifest,
  });
  return [
    { name, pieces: () => [new TextEncoder().encode(text)] },
    ...shards.map((shard, i) => ({ name: shard, pieces: () => shardPieces(weights, i) })),
  ];
}

const isConstant = (node: TfNode): node is TfNode & { readonly weight: WeightData } => node.weight !== null;

function topology({ nodes, functions, inputs, outputs }: BuiltGraph, names: Names) {
  const ports = (list: readonly TfPort[]) =>
    Object.fromEntries(
      list.map(({ name, ref, dtype, shape }) => [name, portJson(`${refName(ref, names)}:0`, dtype, shape)]),
    );
  const library = functions.length > 0 ? { function: functions.map((fn) => functionJson(fn, names)) } : {};
  return {
    signature: { inputs: ports(inputs), outputs: ports(outputs) },
    modelTopology: {
      node: nodes.map((node) => nodeJson(node, names)),
      library,
      // The graph version that TensorFlow 2 writes; the loader reads it unconditionally.
      versions: { producer: 987 },
    },
  };
}
