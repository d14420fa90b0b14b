/** Writes a network layer by layer, each call once, in an order in which all that it reads is there. */

import { tfjsLayerUnknown, tfjsNetworkInvalid } from '../../../../support/diagnostics/tfjs-layers.ts';
import { nearest } from '../../../../support/diagnostics.ts';
import type { Value } from '../../../ir/model.ts';
import type { Emitter } from '../../emit/index.ts';
import { classNames, layerClass } from './classes.ts';
import { layerConfig } from './config.ts';
import type { Call, Reference } from './inbound.ts';
import type { LayerCall, Part, Stream } from './layer.ts';
import { type Layer, type Network, type RawLayer, readLayer } from './topology.ts';
import type { LayerScope, LayerWeights } from './weights.ts';

export interface Writing {
  readonly e: Emitter;
  readonly weights: LayerWeights;
  readonly keras3: boolean;
  /** Scopes of layers that were met, so that a shared layer has one. */
  readonly scopes: Map<Layer, LayerScope>;
  /** Layers in the settings of others, by the scope of those. */
  readonly inner: Map<LayerScope, Layer>;
  /** Constants by the name of their weight. */
  readonly constants: Map<string, Value>;
  /** Calls of layers that may still be written. */
  readonly budget: { calls: number; depth: number };
  /** Layers that the one being written reads, behind which the model can be cut before it; none inside a layer. */
  readonly earlier: readonly string[];
}

/** Models that hold one another several times grow without end; no real one has so many layers. */
const mostCalls = 100_000;
/** Models and wrappers in one another; nobody nests so deep. */
const deepest = 64;

export const startWriting = (e: Emitter, weights: LayerWeights, keras3: boolean): Writing => ({
  e,
  weights,
  keras3,
  scopes: new Map(),
  inner: new Map(),
  constants: new Map(),
  budget: { calls: mostCalls, depth: 0 },
  earlier: [],
});

/** @param inputs  one for each input of the network
 *  @param around  names of the networks and wrappers around it
 *  @returns its outputs */
export function writeNetwork(
  writing: Writing,
  network: Network,
  inputs: readonly Stream[],
  around: readonly string[],
): readonly Stream[] {
  if (inputs.length !== network.inputs.length)
    throw tfjsNetworkInvalid(
      network.name,
      `it has ${network.inputs.length} inputs and is given ${inputs.length}`,
    );
  const done = new Map<string, readonly Stream[]>(network.inputs.map((ref, i) => [keyOf(ref), [inputs[i]!]]));
  const numbered = numberedNames(network);
  const read = (ref: Reference): Stream => {
    const stream = done.get(keyOf(ref))![ref.output];
    if (stream) return stream;
    throw tfjsNetworkInvalid(network.name, `layer "${ref.layer}" has no output ${ref.output}`);
  };
  for (const { layer, key, call } of orderOf(network, new Set(done.keys()))) {
    if (writing.budget.calls-- <= 0)
      throw tfjsNetworkInvalid(network.name, `it has more than ${mostCalls} layers`);
    const scope = writing.scopes.get(layer) ?? {
      className: layer.className,
      layer: layer.name,
      names: [layer.name],
      numberedName: numbered.get(layer) ?? layer.name,
      around,
      asked: [],
      parts: new Map(),
    };
    writing.scopes.set(layer, scope);
    const states = call.states.map((ref) => read(ref).value);
    const before = call.inputs.map((ref) => ref.layer).filter((name) => !isInput(network, name));
    const earlier = around.length === 1 ? [...new Set(before)] : [];
    done.set(key, writeLayer({ ...writing, earlier }, layer, scope, call.inputs.map(read), states));
  }
  return network.outputs.map(read);
}

const isInput = ({ inputs }: Network, name: string) => inputs.some((ref) => ref.layer === name);

const keyOf = ({ layer, call }: Reference) => `${call} ${layer}`;

/** "conv2d", "conv2d_1" …: a layer's class and place, whatever its own name. */
function numberedNames({ layers }: Network): ReadonlyMap<Layer, string> {
  const counts = new Map<string, number>();
  return new Map(
    [...layers.values()].map((layer) => {
      const word = layer.className
        .replace(/(.)([A-Z][a-z0-9]+)/g, '$1_$2')
        .replace(/([a-z])([A-Z])/g, '$1_$2')
        .toLowerCase();
      const before = counts.get(word) ?? 0;
      counts.set(word, before + 1);
      return [layer, before === 0 ? word : `${word}_${before}`];
    }),
  );
}

interface Step {
  readonly key: string;
  readonly layer: Layer;
  readonly call: Call;
}

/** The calls that the outputs need, each behind those that it reads.
 *  @param given  keys of the inputs
 *  @throws TFJS_NETWORK_INVALID for layers and calls that aren't there, and for a circle */
function orderOf(network: Network, given: ReadonlySet<string>): Step[] {
  const steps: Step[] = [];
  const open = new Set<string>();
  const closed = new Set(given);
  const waiting: { ref: Reference; isLeft?: Step }[] = [...network.outputs].reverse().map((ref) => ({ ref }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const key = keyOf(next.ref);
    if (next.isLeft) {
      closed.add(key);
      steps.push(next.isLeft);
    } else if (!closed.has(key)) {
      if (open.has(key))
        throw tfjsNetworkInvalid(network.name, `layer "${next.ref.layer}" reads its own output`);
      open.add(key);
      const step = stepOf(network, next.ref);
      waiting.push({ ref: next.ref, isLeft: step });
      for (const ref of [...step.call.inputs, ...step.call.states].reverse()) waiting.push({ ref });
    }
  }
  return steps;
}

function stepOf(network: Network, ref: Reference): Step {
  const layer = network.layers.get(ref.layer);
  if (!layer) throw tfjsNetworkInvalid(network.name, `there is no layer "${ref.layer}", which another reads`);
  const call = layer.calls[ref.call];
  if (!call || call.inputs.length === 0)
    throw tfjsNetworkInvalid(network.name, `layer "${ref.layer}" is not called ${ref.call + 1} times`);
  return { key: keyOf(ref), layer, call };
}

/** @returns the layer's outputs. @throws TFJS_LAYER_UNKNOWN, TFJS_LAYER_INVALID, TFJS_WEIGHT_… , TFJS_OPERATOR_FORM */
function writeLayer(
  writing: Writing,
  layer: Layer,
  scope: LayerScope,
  inputs: readonly Stream[],
  states: readonly Value[],
): readonly Stream[] {
  const around = [...scope.around, layer.name];
  if (layer.network)
    return deeper(writing, layer, () => writeNetwork(writing, layer.network!, inputs, around));
  const row = layerClass(layer.className);
  if (!row)
    throw tfjsLayerUnknown(
      layer.className,
      layer.name,
      nearest(layer.className, classNames),
      writing.earlier,
    );
  const call = callOf(writing, layer, scope, inputs, states);
  const outputs = [row.write(call)].flat();
  const mask = row.mask === 'keep' ? (call.masks[0] ?? null) : (row.mask?.(call) ?? null);
  return outputs.map((value, i) => ({ value, mask: i === 0 ? mask : null }));
}

function callOf(
  writing: Writing,
  layer: Layer,
  scope: LayerScope,
  inputs: readonly Stream[],
  states: readonly Value[],
): LayerCall {
  const { weights, constants, keras3 } = writing;
  const of = (config: LayerCall['config'], own: LayerScope): LayerCall => {
    const find = (key: string | readonly string[], shape: readonly (number | null)[]) =>
      weights.get(own, typeof key === 'string' ? [key] : key, shape);
    return {
      e: writing.e.at(layer.className, layer.name, writing.earlier),
      config,
      x: inputs[0]!.value,
      inputs: inputs.map(({ value }) => value),
      masks: inputs.map(({ mask }) => mask),
      states,
      keras3,
      tensor: (key, shape) => find(key, shape).tensor,
      weight(key, shape) {
        const { name, tensor } = find(key, shape);
        const made = constants.get(name) ?? writing.e.constant(tensor, name);
        constants.set(name, made);
        return made;
      },
      within({ config: inner, names }: Part) {
        const id = names.join(' ');
        const part = own.parts.get(id) ?? scopeWithin(own, inner.className, names);
        own.parts.set(id, part);
        return of(inner, part);
      },
      inner: (raw, values) => writeInner(writing, own, raw, values),
    };
  };
  return of(layerConfig(layer.className, layer.name, layer.config), scope);
}

/** The layer in a wrapper. Its weights are named after it, or after the wrapper alone. */
function writeInner(
  writing: Writing,
  scope: LayerScope,
  raw: RawLayer,
  inputs: readonly Value[],
): readonly Value[] {
  const layer = writing.inner.get(scope) ?? readLayer(raw, scope.layer, 0, []);
  writing.inner.set(scope, layer);
  const own =
    scope.parts.get('layer') ?? scopeWithin(scope, layer.className, [layer.name, 'layer', ...scope.names]);
  scope.parts.set('layer', own);
  const streams = inputs.map((value) => ({ value, mask: null }));
  return deeper(writing, layer, () => writeLayer(writing, layer, own, streams, [])).map(({ value }) => value);
}

function deeper<T>({ budget }: Writing, layer: Layer, write: () => T): T {
  if (budget.depth >= deepest)
    throw tfjsNetworkInvalid(layer.name, `it stands in more than ${deepest} models and wrappers`);
  budget.depth++;
  const written = write();
  budget.depth--;
  return written;
}

const scopeWithin = (scope: LayerScope, className: string, names: readonly string[]): LayerScope => ({
  className,
  layer: scope.layer,
  names,
  numberedName: names[0]!,
  around: [...scope.around, ...scope.names, scope.numberedName],
  asked: [],
  parts: new Map(),
});
