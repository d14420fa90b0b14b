/** A layers-model as an ONNX graph: inputs and outputs under the names that TensorFlow.js gives them, channels last. */
import { z } from 'zod';
import { tfjsOperatorForm } from '../../../../support/diagnostics/tfjs.ts';
import { tfjsNetworkInvalid } from '../../../../support/diagnostics/tfjs-layers.ts';
import type { DType } from '../../../ir/dtype.ts';
import { addInput, addOutput, createModel, createValue, discardInitializer } from '../../../ir/edit.ts';
import type { Model, Value } from '../../../ir/model.ts';
import { releaseName, takeName } from '../../../ir/names.ts';
import type { Tensor } from '../../../ir/tensor.ts';
import { type Dim, tensorType } from '../../../ir/type.ts';
import { createEmitter, type Emitter } from '../../emit/index.ts';
import { openSizes, type RawConfig, shown } from './config.ts';
import type { Stream } from './layer.ts';
import { startWriting, writeNetwork } from './network.ts';
import { type Layer, type Network, readTopology } from './topology.ts';
import { layerWeights } from './weights.ts';

export interface LayersModel {
  /** The `modelTopology`. */
  readonly topology: RawConfig;
  /** Of the manifest, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** How messages call the file. */
  readonly file: string;
  /** Layers whose outputs become the model's. Where one is no layer, the whole network is read. */
  readonly outputs?: readonly string[] | undefined;
}

/** @throws TFJS_NETWORK_INVALID, TFJS_LAYER_UNKNOWN, TFJS_LAYER_INVALID, TFJS_WEIGHT_MISSING, TFJS_WEIGHT_SHAPE,
 *  TFJS_WEIGHTS_UNREAD, TFJS_OPERATOR_FORM */
export function readLayersModel({ topology, weights, file, outputs: chosen }: LayersModel): Model {
  const { network: whole, keras3 } = readTopology(topology);
  const network = chosen ? cutBehind(whole, chosen) : whole;
  const model = createModel();
  model.graph.name = network.name;
  const inputs = network.inputs.map((ref, i) => addModelInput(model, network, ref.layer, i));
  for (const { layer } of network.outputs) takeName(model.names, layer);
  const e = createEmitter(model, tfjsOperatorForm);
  const found = layerWeights(weights);
  const outputs = writeNetwork(startWriting(e, found, keras3), network, inputs, [network.name]);
  if (network === whole) found.checkAllRead(file);
  for (const [i, { value }] of outputs.entries()) addModelOutput(e, network.outputs[i]!.layer, value);
  for (const value of [...model.graph.initializers])
    if (value.uses.length === 0) discardInitializer(model.graph, value);
  return model;
}

/** The network with the outputs of those layers, from where each is first called, so that nothing behind them is read. */
function cutBehind(network: Network, names: readonly string[]): Network {
  const layers = names.map((name) => network.layers.get(name));
  if (layers.includes(undefined)) return network;
  const outputs = layers.map((layer) => ({
    layer: layer!.name,
    call: Math.max(
      0,
      layer!.calls.findIndex(({ inputs }) => inputs.length > 0),
    ),
    output: 0,
  }));
  return { ...network, outputs };
}

function addModelInput(model: Model, network: Network, name: string, index: number): Stream {
  const layer = network.layers.get(name);
  if (layer?.className !== 'InputLayer')
    throw tfjsNetworkInvalid(network.name, `its input "${name}" is no InputLayer`);
  const shape = inputShape(network, layer);
  const dims = shape.map((d, axis): Dim => d ?? (axis === 0 ? 'batch' : `${name}.${axis}`));
  const type = tensorType(inputType(network, layer, index), dims);
  const value = addInput(model.graph, createValue(model.names, name, type, true));
  return { value, mask: null };
}

const shapeSchema = openSizes.nonempty();

function inputShape(network: Network, { config, name }: Layer): readonly (number | null)[] {
  const given = config['batch_input_shape'] ?? config['batch_shape'];
  const parsed = shapeSchema.safeParse(given);
  if (!parsed.success)
    throw tfjsNetworkInvalid(network.name, `the shape of its input "${name}" is ${shown(given)}`);
  return parsed.data.map((d) => (d === null || d < 0 ? null : d));
}

/** TensorFlow.js computes in these; policies of Keras 3 name theirs inside. */
const types: Readonly<Record<string, DType>> = {
  float64: 'float32',
  float32: 'float32',
  float16: 'float32',
  bfloat16: 'float32',
  int64: 'int32',
  int32: 'int32',
  int16: 'int32',
  int8: 'int32',
  uint8: 'int32',
  bool: 'bool',
};

const policySchema = z
  .object({ config: z.object({ name: z.string() }) })
  .transform(({ config }) => config.name);

function inputType(network: Network, { config, name }: Layer, index: number): DType {
  const given = config['dtype'] ?? 'float32';
  const named = typeof given === 'string' ? given : policySchema.safeParse(given).data;
  const dtype = named !== undefined && Object.hasOwn(types, named) ? types[named] : undefined;
  if (dtype) return dtype;
  throw tfjsNetworkInvalid(network.name, `its input ${index} ("${name}") is of type ${shown(given)}`);
}

/** Under the name of its layer; a value that has a public name already is handed on by an Identity. */
function addModelOutput(e: Emitter, name: string, value: Value): void {
  const { graph } = e;
  const isPublic = graph.inputs.includes(value) || graph.outputs.includes(value) || value.constant !== null;
  const output = isPublic ? e.at('Identity', name).emit('Identity', [value]) : value;
  if (!graph.outputs.some((other) => other.name === name) && !graph.inputs.some((v) => v.name === name)) {
    releaseName(graph.names, output.name);
    output.name = name;
  }
  addOutput(graph, output);
}
