/** The network of a layers-model as Keras 2, Keras 3 and TensorFlow.js write it: one form for all of them. A Sequential becomes
 *  a chain of layers; models that stand as layers in others are networks of their own.
 *  Source: tfjs-layers src/models.ts, src/engine/container.ts; keras src/models/functional.py, sequential.py. */
import { z } from 'zod';
import { tfjsNetworkInvalid } from '../../../../support/diagnostics/tfjs-layers.ts';
import { listOf } from '../limits.ts';
import type { RawConfig } from './config.ts';
import { type Call, type Reference, readCalls, readReference } from './inbound.ts';

export interface Network {
  readonly name: string;
  readonly layers: ReadonlyMap<string, Layer>;
  /** InputLayers, in the order in which the network is called. */
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
}

export interface Layer {
  readonly className: string;
  readonly name: string;
  readonly config: RawConfig;
  /** Where it is called, a shared layer more than once. */
  readonly calls: readonly Call[];
  /** Of a model that stands as a layer. */
  readonly network: Network | null;
}

export const networkClasses: ReadonlySet<string> = new Set(['Sequential', 'Functional', 'Model']);

const record = z.record(z.string(), z.unknown());

/** A layer, or a model as a layer. */
export const layerSchema = z.object({
  class_name: z.string(),
  name: z.string().nullish(),
  config: z.union([record, z.array(z.unknown())]),
  inbound_nodes: z.array(z.unknown()).nullish(),
  build_config: z.object({ input_shape: z.unknown() }).nullish().catch(undefined),
});
export type RawLayer = z.infer<typeof layerSchema>;

/** Models in models; nobody nests so deep. */
const deepest = 32;

export interface Topology {
  readonly network: Network;
  /** Written by Keras 3, which gave some functions another meaning. */
  readonly keras3: boolean;
}

/** @param json  the `modelTopology`
 *  @throws TFJS_NETWORK_INVALID */
export function readTopology(json: RawConfig): Topology {
  const model = layerSchema.safeParse(json['model_config'] ?? json);
  if (!model.success) throw tfjsNetworkInvalid('model', issueOf(model.error));
  const version = json['keras_version'];
  return {
    network: readNetwork(model.data, 'model', 0),
    keras3: typeof version === 'string' && version.startsWith('3.'),
  };
}

const issueOf = (error: z.ZodError) => {
  const [issue] = error.issues;
  return `${issue!.path.join('.') || 'its description'}: ${issue!.message}`;
};

/** @param raw  of one of `networkClasses` */
export function readNetwork(raw: RawLayer, name: string, depth: number): Network {
  if (!networkClasses.has(raw.class_name))
    throw tfjsNetworkInvalid(name, `it is a ${raw.class_name}, not one of ${[...networkClasses].join(', ')}`);
  if (depth > deepest) throw tfjsNetworkInvalid(name, `it stands ${depth} models deep`);
  const config: RawConfig = Array.isArray(raw.config) ? { layers: raw.config } : raw.config;
  const own = raw.name ?? (typeof config['name'] === 'string' ? config['name'] : name);
  const layers = listOf(layerSchema).safeParse(config['layers']);
  if (layers.success && layers.data.length === 0) throw tfjsNetworkInvalid(own, 'it has no layers');
  if (!layers.success) throw tfjsNetworkInvalid(own, `its layers: ${issueOf(layers.error)}`);
  return raw.class_name === 'Sequential'
    ? chain(own, layers.data, config, depth)
    : functional(own, layers.data, config, depth);
}

/** @param depth  models around it. @throws TFJS_NETWORK_INVALID */
export function readLayer(raw: RawLayer, network: string, depth: number, calls: readonly Call[]): Layer {
  const config: RawConfig = Array.isArray(raw.config) ? { layers: raw.config } : raw.config;
  const named = raw.name ?? config['name'];
  if (typeof named !== 'string' || named === '')
    throw tfjsNetworkInvalid(network, `a ${raw.class_name} in it has no name`);
  return {
    className: raw.class_name,
    name: named,
    config,
    calls,
    network: networkClasses.has(raw.class_name) ? readNetwork(raw, named, depth + 1) : null,
  };
}

/** Each layer reads the one before. Without an InputLayer one is put before the first, with the shape that the first one,
 *  or the model, says. */
function chain(name: string, raw: readonly RawLayer[], config: RawConfig, depth: number): Network {
  const layers = new Map<string, Layer>();
  let before: Reference | null = null;
  const append = (layer: Layer) => {
    if (layers.has(layer.name)) throw tfjsNetworkInvalid(name, `it has two layers "${layer.name}"`);
    layers.set(layer.name, layer);
    before = { layer: layer.name, call: 0, output: 0 };
  };
  for (const entry of raw) {
    const layer = readLayer(entry, name, depth, []);
    if (!before && layer.className !== 'InputLayer') append(inputOfChain(entry, layer, config));
    append({ ...layer, calls: before ? [{ inputs: [before], states: [] }] : [] });
  }
  const [input] = layers.keys();
  return { name, layers, inputs: [{ layer: input!, call: 0, output: 0 }], outputs: [before!] };
}

function inputOfChain(raw: RawLayer, first: Layer, config: RawConfig): Layer {
  const shape =
    shapeOfFirst(first) ?? config['build_input_shape'] ?? raw.build_config?.input_shape ?? undefined;
  const dtype = first.className === 'Embedding' ? undefined : first.config['dtype'];
  return {
    className: 'InputLayer',
    name: `${first.name}_input`,
    config: {
      batch_input_shape: shape,
      dtype: first.network ? inputOf(first.network).config['dtype'] : dtype,
    },
    calls: [],
    network: null,
  };
}

const shapeOfFirst = ({ config, network }: Layer): unknown =>
  network ? shapeOfFirst(inputOf(network)) : (config['batch_input_shape'] ?? config['batch_shape']);

const inputOf = (network: Network): Layer => network.layers.get(network.inputs[0]!.layer)!;

function functional(name: string, raw: readonly RawLayer[], config: RawConfig, depth: number): Network {
  const layers = new Map<string, Layer>();
  for (const entry of raw) {
    const calls = readCalls(entry.inbound_nodes ?? [], `${entry.name ?? entry.class_name} in ${name}`);
    const layer = readLayer(entry, name, depth, calls);
    if (layers.has(layer.name)) throw tfjsNetworkInvalid(name, `it has two layers "${layer.name}"`);
    layers.set(layer.name, layer);
  }
  const ends = (key: string) => {
    const found = endpoints(config[key]).map((entry) => readReference(entry, `${key} of ${name}`));
    if (found.length === 0) throw tfjsNetworkInvalid(name, `${key} is missing`);
    return found;
  };
  return fromFirstCall({ name, layers, inputs: ends('input_layers'), outputs: ends('output_layers') });
}

/** [name, call, output] or a list of them; Keras 3 writes a dictionary where the model takes one. */
function endpoints(value: unknown): readonly unknown[] {
  const list = (v: unknown) => (Array.isArray(v) ? (typeof v[0] === 'string' ? [v] : v) : []);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.values(value).flatMap(list)
    : list(value);
}

/** A model as a layer counts its own description as call 0 in most files, so that its calls begin at 1. */
function fromFirstCall(network: Network): Network {
  const references = [
    ...network.inputs,
    ...network.outputs,
    ...[...network.layers.values()].flatMap(({ calls }) => calls.flatMap((c) => [...c.inputs, ...c.states])),
  ];
  const fromZero = new Set(references.filter(({ call }) => call === 0).map(({ layer }) => layer));
  const shifted = (ref: Reference): Reference =>
    network.layers.get(ref.layer)?.network && !fromZero.has(ref.layer) ? { ...ref, call: ref.call - 1 } : ref;
  const layers = [...network.layers.values()].map((layer): [string, Layer] => [
    layer.name,
    {
      ...layer,
      calls: layer.calls.map((c) => ({ inputs: c.inputs.map(shifted), states: c.states.map(shifted) })),
    },
  ]);
  return {
    ...network,
    layers: new Map(layers),
    inputs: network.inputs.map(shifted),
    outputs: network.outputs.map(shifted),
  };
}
