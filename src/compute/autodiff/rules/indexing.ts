/** Operators that pick or place single elements by index: what was picked several times gets the sum. */
import { intAttribute, textAttribute } from '../../../model/ir/attribute.ts';
import { constantOf, type Value } from '../../../model/ir/model.ts';
import { elementCount, numbers, tensorOf } from '../../../model/ir/tensor.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';
import { addRows, around, axisAttribute, dimsOf, fromFront, gate, incoming, refused } from './pieces.ts';

/** Constant indices that follow one another (or a single one) are a slice: zeros around. Others add rows to a table of
 *  zeros, with the indexed axis in front. */
const gather: GradientRule = (c) => {
  const [data, index] = [dimsOf(c), c.dims(c.input(1))];
  const axis = axisAttribute(c, 0);
  const [before, size, after] = around(data, axis);
  const count = elementCount(index);
  const known = constantOf(c.input(1));
  const picks = known && count > 0 ? numbers(known).map((i) => fromFront(i, size)) : null;
  const first = picks?.[0] ?? 0;
  const g = incoming(c);
  if (picks?.every((p, i) => p === first + i)) {
    const block = c.reshape(
      g,
      data.map((d, i) => (i === axis ? count : d)),
    );
    const pads = [first, size - first - count].flatMap((p) => data.map((_, i) => (i === axis ? p : 0)));
    return [pads.every((p) => p === 0) ? block : c.op('Pad', [block, c.ints(pads)])];
  }
  const list = picks ? c.constant(tensorOf('int64', [count], picks)) : c.reshape(c.input(1), [count]);
  const rows = c.reshape(c.transpose(c.reshape(g, [before, count, after]), [1, 0, 2]), [
    count,
    before * after,
  ]);
  const table = c.reshape(addRows(c, rows, list, size), [size, before, after]);
  return [c.reshape(c.transpose(table, [1, 0, 2]), data)];
};

const gatherElements: GradientRule = (c) => [
  c.op('ScatterElements', [c.full(dimsOf(c), 0), c.input(1), incoming(c)], {
    axis: axisAttribute(c, 0),
    reduction: 'add',
  }),
];

/** Position of each index tuple among the slices of the data, counted in row-major order.
 *  @returns int64 [tuples], slices per data, elements per slice */
function flatIndex(c: RuleContext, data: readonly number[], indices: Value, batch: number) {
  const shape = c.dims(indices);
  const depth = shape.at(-1) ?? 0;
  const tuples = elementCount(shape.slice(0, -1));
  const sizes = data.slice(batch, batch + depth);
  const strides = sizes.map((_, i) => elementCount(sizes.slice(i + 1)));
  const whole = (values: readonly number[]) => c.constant(tensorOf('int64', [values.length], values));
  // Negative indices count from the end: (i + size) mod size.
  const positive = c.op('Mod', [
    c.op('Add', [c.reshape(indices, [tuples, depth]), whole(sizes)]),
    whole(sizes),
  ]);
  const inner = c.op('ReduceSum', [c.op('Mul', [positive, whole(strides)]), c.ints([1])], { keepdims: 0 });
  const batches = elementCount(data.slice(0, batch));
  const each = elementCount(sizes);
  const offset = Array.from({ length: tuples }, (_, i) => Math.floor(i / (tuples / batches)) * each);
  return {
    index: batch === 0 ? inner : c.op('Add', [inner, whole(offset)]),
    slices: batches * each,
    width: elementCount(data.slice(batch + depth)),
    tuples,
  };
}

const gatherND: GradientRule = (c) => {
  const data = dimsOf(c);
  const flat = flatIndex(c, data, c.input(1), intAttribute(c.node, 'batch_dims', 0));
  const rows = c.reshape(incoming(c), [flat.tuples, flat.width]);
  return [c.reshape(addRows(c, rows, flat.index, flat.slices), data)];
};

interface Placing {
  /** The values of `from` at the indices. */
  pick(from: Value): Value;
  /** `onto` with `values` at the indices. */
  place(onto: Value, values: Value): Value;
}

/** data with updates put at the indices, or combined with what is there (each index once for mul, max and min). */
function placed(c: RuleContext, { pick, place }: Placing): readonly (Value | null)[] {
  const [g, y] = [incoming(c), c.output(0)];
  const reduction = textAttribute(c.node, 'reduction', 'none');
  const [data, updates] = [c.input(0), c.input(2)];
  const clear = () => place(g, c.full(c.dims(updates), 0));
  switch (reduction) {
    case 'none':
      return [c.wants(0) ? clear() : null, null, c.wants(2) ? pick(g) : null];
    case 'add':
      return [g, null, c.wants(2) ? pick(g) : null];
    case 'mul':
      return [
        c.wants(0) ? c.op('Mul', [g, place(c.full(c.dims(data), 1), updates)]) : null,
        null,
        c.wants(2) ? pick(c.op('Mul', [g, data])) : null,
      ];
    case 'max':
    case 'min':
      return [
        c.wants(0) ? gate(c, g, c.op('Equal', [data, y])) : null,
        null,
        c.wants(2) ? gate(c, pick(g), c.op('Equal', [updates, pick(y)])) : null,
      ];
    default:
      throw refused(c, `"reduction" must be none, add, mul, max or min; it is ${reduction}`);
  }
}

const scatterElements: GradientRule = (c) => {
  const axis = axisAttribute(c, 0);
  return placed(c, {
    pick: (from) => c.op('GatherElements', [from, c.input(1)], { axis }),
    place: (onto, values) => c.op('ScatterElements', [onto, c.input(1), values], { axis }),
  });
};

const scatterND: GradientRule = (c) =>
  placed(c, {
    pick: (from) => c.op('GatherND', [from, c.input(1)]),
    place: (onto, values) => c.op('ScatterND', [onto, c.input(1), values]),
  });

/** The values go back to where the indices say they came from. */
const topK: GradientRule = (c) => {
  const g = c.gradient(0);
  if (!g) return [null];
  const attributes = Object.fromEntries(c.node.attributes);
  const indices = c.node.outputs[1] ?? (c.ops('TopK', c.node.inputs, 2, attributes)[1] as Value);
  const axis = axisAttribute(c, -1);
  return [c.op('ScatterElements', [c.full(dimsOf(c), 0), indices, g], { axis })];
};

export const indexing: GradientTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TopK: topK,
  /** Reversing twice gives the original order. */
  ReverseSequence: (c) => [
    c.op('ReverseSequence', [incoming(c), c.input(1)], Object.fromEntries(c.node.attributes)),
  ],
};
