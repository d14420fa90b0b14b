/** Adds nodes to a training graph whose shapes are all known, and knows the type of what it adds.
 *  Rules and lowerings write with it as one would write the equations. */
import type { AttributeInit } from '../../model/ir/attribute.ts';
import type { DType } from '../../model/ir/dtype.ts';
import { addInitializer, addNode } from '../../model/ir/edit.ts';
import { dtypeOf, type Graph, type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { isStatic } from '../../model/ir/type.ts';
import { inferNodeTypes } from '../../model/ops/shapes.ts';
import { trainingShape } from '../../support/diagnostics/training.ts';

export type Attributes = Readonly<Record<string, AttributeInit | undefined>>;
/** A plain number stands for a float32 scalar constant. */
type Operand = Value | number | null;

export interface Emitter {
  readonly model: Model;
  readonly graph: Graph;
  /** First output of a new node. 'com.microsoft:Gelu' names an operator of another domain. */
  op(op: string, inputs: readonly Operand[], attributes?: Attributes): Value;
  /** All outputs of a new node. */
  ops(op: string, inputs: readonly Operand[], outputs: number, attributes?: Attributes): Value[];
  /** An initialiser. Small equal ones are shared. */
  constant(tensor: Tensor): Value;
  /** int64 [n] from a list, for shapes, axes and indices. */
  ints(values: readonly number[]): Value;
  /** Float constant of one element and rank 0. */
  scalar(value: number, dtype?: DType): Value;
  /** Sizes of a value. @throws TRAINING_SHAPE when one is not a number */
  dims(value: Value): readonly number[];
  /** Sum of `value` over what broadcasting to its shape added, so that it has `dims` again. */
  sumTo(value: Value, dims: readonly number[]): Value;
  /** `value` with `dims`; itself when it has them already. */
  reshape(value: Value, dims: readonly number[]): Value;
  transpose(value: Value, perm: readonly number[]): Value;
  /** Tensor of `dims` filled with one number. */
  full(dims: readonly number[], value: number): Value;
}

/** @param at  new nodes go before this node; at the end when absent */
export function createEmitter(model: Model, at?: () => Node | undefined): Emitter {
  const { graph } = model;
  const shared = new Map<string, Value>();
  let count = graph.nodes.length;

  const ops: Emitter['ops'] = (op, inputs, outputs, attributes = {}) => {
    const [opType = op, domain = ''] = op.split(':').reverse();
    if (domain && !model.opsets.has(domain)) model.opsets.set(domain, 1);
    // Numbered here: looking for a free name from 1 on takes quadratic time in a graph of thousands of nodes.
    const names = Array.from({ length: outputs }, () => `${opType.toLowerCase()}.${++count}`);
    const given = inputs.map((v) => (typeof v === 'number' ? scalar(v) : v));
    const node = addNode(graph, { opType, domain, inputs: given, outputs: names, attributes }, at?.());
    inferNodeTypes(model, node);
    return node.outputs as Value[];
  };
  const op: Emitter['op'] = (name, inputs, attributes) => ops(name, inputs, 1, attributes)[0] as Value;
  const constant: Emitter['constant'] = (tensor) => {
    const small = tensor.kind === 'dense' && tensor.bytes().length <= 256;
    const key = small ? `${tensor.dtype} ${tensor.dims} ${tensor.bytes().join()}` : '';
    const known = small ? shared.get(key) : undefined;
    if (known && graph.initializers.has(known)) return known;
    const made = addInitializer(graph, `constant.${++count}`, tensor);
    if (small) shared.set(key, made);
    return made;
  };
  const ints: Emitter['ints'] = (values) => constant(tensorOf('int64', [values.length], values));
  const scalar: Emitter['scalar'] = (value, dtype = 'float32') => constant(tensorOf(dtype, [], [value]));
  const dims: Emitter['dims'] = (value) => {
    const shape = shapeOf(value);
    if (!isStatic(shape)) throw trainingShape(value.name, value.producer?.opType ?? 'input', shape ?? null);
    return shape;
  };
  const reshape: Emitter['reshape'] = (value, wanted) =>
    same(dims(value), wanted) ? value : op('Reshape', [value, ints(wanted)], { allowzero: 1 });
  const full: Emitter['full'] = (size, value) => op('Expand', [value, ints(size)]);
  const sumOver = (value: Value, axes: readonly number[]): Value => {
    const have = dims(value);
    const last = axes.at(-1) as number;
    const [rows, columns] = [elementCount(have.slice(0, last + 1)), elementCount(have.slice(last + 1))];
    const isLeading = have.slice(0, last + 1).every((d, i) => d === 1 || axes.includes(i));
    if (!isLeading || columns === 1 || dtypeOf(value) !== 'float32')
      return op('ReduceSum', [value, ints(axes)], { keepdims: 0 });
    // A row of ones times the matrix: three times as fast as onnxruntime's ReduceSum here, and closer to the true sum.
    return op('MatMul', [full([1, rows], 1), reshape(value, [rows, columns])]);
  };

  return {
    model,
    graph,
    op,
    ops,
    constant,
    ints,
    scalar,
    dims,
    reshape,
    sumTo(value, wanted) {
      const have = dims(value);
      if (same(have, wanted)) return value;
      const lead = have.length - wanted.length;
      const axes = have.flatMap((d, i) => (i < lead || (wanted[i - lead] === 1 && d !== 1) ? [i] : []));
      if (axes.length === 0) return reshape(value, wanted);
      return reshape(sumOver(value, axes), wanted);
    },
    transpose: (value, perm) =>
      perm.every((p, i) => p === i) ? value : op('Transpose', [value], { perm: [...perm] }),
    full,
  };
}

const same = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((d, i) => d === b[i]);
