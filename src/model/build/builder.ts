/** Builds a network as an ordinary ONNX model, a layer at a time (layers.ts, attention.ts, networks/).
 *  Trainable weights are float32 initializers with names ("block0/attention/query/weight"); everything else that is
 *  constant (positions, scales, shapes) is a Constant node, so that no trainer takes it for a weight. */

import { networkConfig, networkName, networkShapes } from '../../support/diagnostics/build.ts';
import { version } from '../../support/version.ts';
import type { AttributeInit } from '../ir/attribute.ts';
import { tensorAttribute } from '../ir/attribute.ts';
import type { DType } from '../ir/dtype.ts';
import { addInitializer, addInput, addNode, addOutput, createModel, createValue } from '../ir/edit.ts';
import type { Model, Value } from '../ir/model.ts';
import { shapeOf } from '../ir/model.ts';
import { takeName } from '../ir/names.ts';
import { type Tensor, tensorOf } from '../ir/tensor.ts';
import { formatShape, type Shape, tensorType } from '../ir/type.ts';
import { verifyModel } from '../ir/verify.ts';
import { inferShapes } from '../ops/shapes.ts';
import { type Initial, initialTensor } from './initial.ts';

export type Attributes = Readonly<Record<string, AttributeInit | undefined>>;

export interface NetworkBuilder {
  readonly network: string;
  /** Of ai.onnx, 17 to 20. */
  readonly opset: number;
  /** Symbols are strings: ['batch', 784]. */
  input(name: string, dtype: DType, shape: Shape): Value;
  /** A trainable weight, float32. Asked for again under the same name, it is the same weight (tied).
   *  @throws NETWORK_CONFIG when it then has another shape */
  weight(name: string, dims: readonly number[], initial: Initial): Value;
  /** A constant that is not trained. */
  constant(name: string, tensor: Tensor): Value;
  /** A float32 scalar that is not trained. */
  scalar(name: string, value: number): Value;
  /** int64 [n]: axes, shapes, bounds. The same numbers are one constant. */
  integers(...numbers: number[]): Value;
  /** First output of a new node of ai.onnx. */
  op(opType: string, inputs: readonly (Value | null)[], attributes?: Attributes): Value;
  /** All outputs of a new node. */
  ops(opType: string, inputs: readonly (Value | null)[], outputs: number, attributes?: Attributes): Value[];
  /** Calls a computed value `name` (after the scope's), where it is worth finding again: a block's output. */
  label(value: Value, name: string): Value;
  /** Makes `value` a graph output of exactly this name. @param shape  with the symbols that callers know */
  output(name: string, value: Value, shape?: Shape): void;
  /** The same builder with `name/` before the names of weights, nodes and values. */
  at(name: string): NetworkBuilder;
  /** Fails as NETWORK_CONFIG unless `ok`. @param what  'width must be a multiple of heads (4); 50 came' */
  check(ok: boolean, what: string): void;
  /** The finished model, verified, with all types inferred. @throws NETWORK_SHAPES naming the first misfit */
  build(): Model;
}

export interface NetworkSettings {
  readonly name: string;
  /** Start values of the weights depend on it and on their names only; 1 by default. */
  readonly seed?: number;
  /** 17 by default; from 20 on Gelu is one node. */
  readonly opset?: number;
  readonly doc?: string;
}

/** @throws NETWORK_CONFIG for an opset outside 17 to 20 */
export function networkBuilder(settings: NetworkSettings): NetworkBuilder {
  const { name: network, seed = 1, opset = 17, doc = '' } = settings;
  if (!(Number.isInteger(opset) && opset >= 17 && opset <= 20))
    throw networkConfig(network, `opset must be 17 to 20; ${opset} came`);
  const model = createModel({
    graphName: network,
    opsets: new Map([['', opset]]),
    irVersion: opset >= 19 ? 9 : 8,
    producer: { name: 'edgepress', version },
    doc,
  });
  return scope(
    { model, network, seed, opset, weights: new Map(), integers: new Map(), nodes: new Map() },
    '',
  );
}

interface State {
  readonly model: Model;
  readonly network: string;
  readonly seed: number;
  readonly opset: number;
  readonly weights: Map<string, Value>;
  readonly integers: Map<string, Value>;
  /** How often a node name was wanted. */
  readonly nodes: Map<string, number>;
}

function scope(state: State, prefix: string): NetworkBuilder {
  const { model, network, opset } = state;
  const { graph } = model;
  const ops: NetworkBuilder['ops'] = (opType, inputs, outputs, attributes = {}) => {
    const name = nodeName(state, `${prefix}${opType}`);
    const base = `${prefix}${opType.toLowerCase()}`;
    const names = Array.from({ length: outputs }, (_, i) => (i === 0 ? base : `${base}_output${i}`));
    return addNode(graph, { opType, name, inputs, outputs: names, attributes }).outputs as Value[];
  };
  const builder: NetworkBuilder = {
    network,
    opset,
    input(name, dtype, shape) {
      claim(state, name);
      return addInput(graph, createValue(graph.names, name, tensorType(dtype, shape), true));
    },
    weight(name, dims, initial) {
      const full = `${prefix}${name}`;
      const known = state.weights.get(full);
      const shape = formatShape(dims);
      if (known && formatShape(shapeOf(known)) !== shape)
        throw networkConfig(
          network,
          `weight "${full}" must be ${formatShape(shapeOf(known))} where it is used again; ${shape} came`,
        );
      if (known) return known;
      if (!dims.every((d) => Number.isInteger(d) && d > 0))
        throw networkConfig(
          network,
          `sizes of weight "${full}" must be whole numbers above 0; ${shape} came`,
        );
      claim(state, full);
      const made = addInitializer(graph, full, initialTensor(dims, initial, state.seed, full));
      state.weights.set(full, made);
      return made;
    },
    constant(name, tensor) {
      const attributes = { value: tensorAttribute(tensor) };
      const outputs = [createValue(graph.names, `${prefix}${name}`, tensorType(tensor.dtype, tensor.dims))];
      const node = nodeName(state, `${prefix}${name}`);
      return addNode(graph, { opType: 'Constant', name: node, inputs: [], outputs, attributes }).outputs[0]!;
    },
    scalar: (name, value) => builder.constant(name, tensorOf('float32', [], [value])),
    integers(...numbers) {
      const key = numbers.join(',');
      const made =
        state.integers.get(key) ??
        scope(state, 'integers/').constant(key, tensorOf('int64', [numbers.length], numbers));
      state.integers.set(key, made);
      return made;
    },
    ops,
    op: (opType, inputs, attributes) => ops(opType, inputs, 1, attributes)[0]!,
    label(value, name) {
      claim(state, `${prefix}${name}`);
      takeName(graph.names, `${prefix}${name}`);
      value.name = `${prefix}${name}`;
      return value;
    },
    output(name, value, shape) {
      claim(state, name);
      takeName(graph.names, name);
      value.name = name;
      if (shape) value.type = tensorType('float32', shape);
      addOutput(graph, value);
    },
    at: (name) => scope(state, `${prefix}${name}/`),
    check(ok, what) {
      if (!ok) throw networkConfig(network, what);
    },
    build() {
      const { missing } = inferShapes(model);
      const [first] = missing;
      if (first) throw networkShapes(network, first.node, first.op, first.reason, missing.length);
      verifyModel(model);
      return model;
    },
  };
  return builder;
}

function claim({ model, network }: State, name: string): void {
  if (model.names.taken.has(name)) throw networkName(network, name);
}

function nodeName({ nodes }: State, base: string): string {
  const before = nodes.get(base) ?? 0;
  nodes.set(base, before + 1);
  return before === 0 ? base : `${base}_${before}`;
}
