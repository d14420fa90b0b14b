/** What stands for the values of a model while it is written, and the operators so far. */
import { intAttribute } from '../../../ir/attribute.ts';
import { constantOf, dtypeOf, type Graph, isOp, type Node, shapeOf, type Value } from '../../../ir/model.ts';
import { elementCount, float32Values, numbers, type Tensor, tensorOf } from '../../../ir/tensor.ts';
import { isStatic } from '../../../ir/type.ts';
import { labelOf } from '../../../rewrite/apply.ts';
import { isUniform } from '../../lowered/grid.ts';
import { type Weight, weightOf } from '../../lowered/weights.ts';
import { fusedActivations } from '../codes.ts';
import { blockWeight, hasBlocks } from './blocks.ts';
import { type InnerEmitter, refuse } from './emitter.ts';
import {
  type LiteGraph,
  type LiteOperator,
  type LiteTensor,
  type LiteType,
  type Quantization,
  sameQuantization,
} from './graph.ts';
import { cast } from './operators/arithmetic.ts';
import type { Plan } from './plan.ts';
import { liteType, narrowCodes, scalarCodes, storedCodes, storedHalves, storedTensor } from './stored.ts';

export interface State extends InnerEmitter {
  readonly operators: LiteOperator[];
  /** Says what stands for a value: in its own type, or in integers. */
  bind(value: Value, tensor: LiteTensor, form: 'plain' | 'integer' | 'port'): void;
  /** What a caller feeds, in the type that it has there. */
  port(value: Value): LiteTensor | null;
  /** Whether a tensor stands for a value already, or is a constant. */
  isNamed(tensor: LiteTensor): boolean;
  /** Floats or other integers in this scale. */
  requantized(tensor: LiteTensor, to: Quantization, name: string): LiteTensor;
  /** Takes up the next node. */
  begin(node: Node, plan: Plan): void;
}

/** @param emitGraph  writes the nodes of a graph into a state */
export function createState(emitGraph: (s: State, graph: Graph) => void): State {
  const operators: LiteOperator[] = [];
  const plain = new Map<Value, LiteTensor>();
  const integer = new Map<Value, LiteTensor | null>();
  const weights = new Map<Value, Weight | null>();
  const shared = new Map<string, LiteTensor>();
  const ports = new Map<Value, LiteTensor>();
  const named = new Set<LiteTensor>();
  let node: Node | null = null;
  let plan: Plan | null = null;

  const once = (key: string, make: () => LiteTensor): LiteTensor => {
    const found = shared.get(key) ?? make();
    shared.set(key, found);
    return found;
  };
  const s: State = {
    operators,
    get integers() {
      return plan?.integers ?? false;
    },
    get activation() {
      return fusedActivations.indexOf(plan?.activation ?? 'NONE');
    },
    begin(next, planned) {
      node = next;
      plan = planned;
    },
    name: (part) => (node ? `${labelOf(node)}/${part}` : part),
    ops(op, inputs, results, options) {
      const outputs = results.map(
        (type): LiteTensor => ({ ...type, name: s.name(op.toLowerCase()), data: null }),
      );
      operators.push({ op, inputs, outputs, options: options ?? null });
      return outputs;
    },
    op: (op, inputs, result, options) => s.ops(op, inputs, [result], options)[0]!,
    result(index = 0) {
      const value = (index === 0 ? plan!.value : node!.outputs[index])!;
      const quantization = plan!.grids[index] ?? null;
      const own = s.typeOf(value);
      return quantization ? { type: 'int8', shape: own.shape, quantization } : own;
    },
    input(of, index) {
      const value = of.inputs[index] ?? refuse(of, `its input ${index + 1} is left out`);
      if (!s.integers) return s.plain(value);
      const found = s.integer(value) ?? s.plain(value);
      const to = plan!.inputGrid;
      return to && found.quantization ? s.requantized(found, to, s.name('quantize')) : found;
    },
    plain(value) {
      const found = plain.get(value) ?? made(s, value, integer.get(value) ?? null);
      plain.set(value, found);
      return found;
    },
    integer(value) {
      if (!value) return null;
      const found = integer.get(value);
      if (found !== undefined) return found;
      const stored = integerConstant(s, value);
      integer.set(value, stored);
      return stored;
    },
    typeOf: (value) => typeOf(node, value),
    weightOf(value) {
      if (!value) return null;
      const found = weights.get(value);
      if (found !== undefined) return found;
      const stored = weightOf(value) ?? biasOf(value);
      weights.set(value, stored);
      return stored;
    },
    int: (values) =>
      once(`[${values}]${typeof values}`, () =>
        typeof values === 'number'
          ? storedTensor(tensorOf('int32', [], [values]), s.name('constant'))
          : storedTensor(tensorOf('int32', [values.length], values), s.name('constant')),
      ),
    float: (value) =>
      once(`f${Object.is(value, -0) ? '-0' : value}`, () =>
        storedTensor(tensorOf('float32', [], [value]), s.name('constant')),
      ),
    constant: (tensor: Tensor) => storedTensor(tensor, s.name('constant')),
    weight(weight) {
      if (hasBlocks(weight)) return blockWeight(s, weight);
      const codes = narrowCodes(weight, s.name('weight')) ?? storedHalves(weight, s.name('weight'));
      if (!codes) return storedTensor(weight.tensor, s.name('weight'));
      return s.op('DEQUANTIZE', [codes], { type: 'float32', shape: codes.shape, quantization: null });
    },
    requantized(tensor, to, name) {
      if (tensor.type === 'int8' && sameQuantization(tensor.quantization, to)) return tensor;
      const made = s.op('QUANTIZE', [tensor], { type: 'int8', shape: tensor.shape, quantization: to });
      made.name = name;
      return made;
    },
    bind(value, tensor, form) {
      ({ plain, integer, port: ports })[form].set(value, tensor);
      named.add(tensor);
    },
    port: (value) => ports.get(value) ?? null,
    isNamed: (tensor) => tensor.data !== null || named.has(tensor),
    held: (value) => s.integer(value) ?? s.port(value) ?? s.plain(value),
    take: (value, tensor) => s.bind(value, tensor, formOf(value, tensor)),
    graph: (name, inputs, build) => innerGraph(createState(emitGraph), s.name(name), inputs, build),
    body(graph) {
      emitGraph(s, graph);
      return graph.outputs.map((v) => s.plain(v));
    },
  };
  return s;
}

function formOf(value: Value, { type, quantization }: LiteTensor): 'plain' | 'integer' | 'port' {
  if (quantization) return 'integer';
  return type === liteType(dtypeOf(value) ?? 'float32', value.name) ? 'plain' : 'port';
}

/** Every result is a tensor of its own that an operator makes. */
function innerGraph(
  s: State,
  name: string,
  inputs: readonly LiteType[],
  build: Parameters<State['graph']>[2],
): LiteGraph {
  const given = inputs.map((type, i): LiteTensor => ({ ...type, name: `${name}/input_${i}`, data: null }));
  const taken = new Set(given);
  const results = build(s, given).map((found) => {
    const own = found.data || taken.has(found) ? copied(s, found) : found;
    taken.add(own);
    return own;
  });
  const ports = (list: readonly LiteTensor[]) => list.map((tensor) => ({ name: tensor.name, tensor }));
  return { name, inputs: ports(given), outputs: ports(results), operators: usedFor(s.operators, results) };
}

export const copied = (s: State, x: LiteTensor): LiteTensor => s.op('RESHAPE', [x, s.int(x.shape)], x);

/** Operators that results depend on. */
export function usedFor(all: readonly LiteOperator[], results: readonly LiteTensor[]): LiteOperator[] {
  const needed = new Set<LiteTensor | null>(results);
  const kept: LiteOperator[] = [];
  for (const operator of [...all].reverse()) {
    if (!operator.outputs.some((t) => needed.has(t))) continue;
    for (const t of operator.inputs) needed.add(t);
    kept.push(operator);
  }
  return kept.reverse();
}

/** @throws TFLITE_TYPE, TFLITE_OPERATOR when a size is open */
function typeOf(node: Node | null, value: Value): LiteType {
  const shape = shapeOf(value);
  const type = liteType(dtypeOf(value) ?? 'float32', `"${value.name}"`);
  if (isStatic(shape)) return { type, shape, quantization: null };
  const at = node ?? value.producer;
  if (at) return refuse(at, `the sizes of "${value.name}" are not known`);
  throw new RangeError(`"${value.name}" has open sizes.`);
}

/** A value that has no form of its own yet: integers as floats, or a constant. */
function made(s: State, value: Value, codes: LiteTensor | null): LiteTensor {
  const own = s.typeOf(value);
  const fed = s.port(value);
  if (fed) return cast(s, fed, own.type);
  if (codes && own.type === 'float32') return s.op('DEQUANTIZE', [codes], own);
  if (codes) return cast(s, asStored(s, value, codes), own.type);
  const weight = s.weightOf(value);
  if (!weight) throw new RangeError(`"${value.name}" is read before it is made.`);
  const tensor = s.weight(weight);
  if (tensor.data) tensor.name = value.name;
  return tensor;
}

/** Integers with the codes that the model has. */
export function asStored(s: State, value: Value, codes: LiteTensor): LiteTensor {
  if (dtypeOf(value) !== 'uint8') return codes;
  const { scale, zeroPoint, axis } = codes.quantization!;
  const quantization = { scale, zeroPoint: zeroPoint.map((z) => z + 128), axis };
  return s.op('QUANTIZE', [codes], { type: 'uint8', shape: codes.shape, quantization });
}

function integerConstant(s: State, value: Value): LiteTensor | null {
  const weight = s.weightOf(value);
  if (!weight) return null;
  const { tensor, grid } = weight;
  if (grid) return isUniform(grid) ? storedCodes(weight, value.name) : null;
  if (tensor.dtype !== 'float32' || elementCount(tensor.dims) !== 1) return null;
  return scalarCodes(numbers(tensor)[0]!, tensor.dims, value.name);
}

/** A bias in int32, in floats. */
function biasOf(value: Value): Weight | null {
  const node = value.producer;
  if (!node || !isOp(node, 'DequantizeLinear') || intAttribute(node, 'block_size', 0) !== 0) return null;
  const [codes, scale] = [constantOf(node.inputs[0]), constantOf(node.inputs[1])];
  if (codes?.dtype !== 'int32' || !scale) return null;
  const zero = node.inputs[2] ? constantOf(node.inputs[2]) : undefined;
  if (zero === null || (zero && numbers(zero).some((z) => z !== 0))) return null;
  const scales = float32Values(scale);
  if (scales.length !== 1 && codes.dims.length !== 1) return null;
  const values = numbers(codes).map((code, i) => code * scales[scales.length === 1 ? 0 : i]!);
  return { tensor: tensorOf('float32', codes.dims, values), grid: null };
}
