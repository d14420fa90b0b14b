/** Follows the elements of small tensors, so that shapes computed in the graph are known. Integers may be symbolic;
 *  floats are numbers, or symbols that came through a Cast and are whole. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { dtypes, isFloat } from '../../ir/dtype.ts';
import { numbers } from '../../ir/tensor.ts';
import type { Dim } from '../../ir/type.ts';
import { transposePermutation } from '../defaults.ts';
import {
  add,
  compare,
  divideFloor,
  isSame,
  maximum,
  minimum,
  multiply,
  productOf,
  subtract,
} from '../dims.ts';
import type { Data, DataRule, DataTable, ShapeContext } from '../types.ts';
import { broadcastShapes, integers, normalAxis } from './common.ts';
import { constantTensor, rangeLength } from './generation.ts';
import { reshaped, sliceBounds, sliceLength, squeezed, unsqueezed } from './movement.ts';
import { reducedShape } from './reduction.ts';

const isNumeric = (values: readonly Dim[]): values is number[] => values.every((v) => typeof v === 'number');
const sizeOf = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** Elements of the largest tensor that is followed; the driver drops larger ones too, this keeps rules from making
 *  them at all. */
const most = 4096;

/** Reading order of a result: position in the result → position in the source. */
function picked(data: Data, dims: readonly number[], from: (at: number[]) => number): Data | null {
  const count = sizeOf(dims);
  if (count > most) return null;
  const at = Array<number>(dims.length).fill(0);
  const values: Dim[] = [];
  for (let i = 0; i < count; i++) {
    let rest = i;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at[axis] = rest % dims[axis]!;
      rest = Math.floor(rest / dims[axis]!);
    }
    values.push(data.values[from(at)] ?? null);
  }
  return { dims, values };
}

const strideOf = (dims: readonly number[]) => dims.map((_, i) => sizeOf(dims.slice(i + 1)));
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function broadcastData(data: Data, dims: readonly number[]): Data | null {
  const strides = strideOf(data.dims);
  const lead = dims.length - data.dims.length;
  return picked(data, dims, (at) =>
    dot(
      data.dims.map((d, i) => (d === 1 ? 0 : at[i + lead]!)),
      strides,
    ),
  );
}

/** Rule for an element-wise operator of any number of inputs. */
const mapped =
  (f: (c: ShapeContext, ...values: Dim[]) => Dim): DataRule =>
  (c) => {
    const inputs = c.node.inputs.map((_, i) => c.data(i));
    if (inputs.length === 0 || inputs.some((d) => d === null)) return null;
    const dims = broadcastShapes(...inputs.map((d) => d!.dims));
    if (!dims || !isNumeric(dims) || sizeOf(dims) > most) return null;
    const wide = inputs.map((d) => broadcastData(d!, dims)!);
    const float = c.dtype(0) === 'float32';
    const values = Array.from({ length: sizeOf(dims) }, (_, i) => {
      const v = f(c, ...wide.map((d) => d.values[i]!));
      return typeof v === 'number' && float ? Math.fround(v) : v;
    });
    return [{ dims, values }];
  };

/** An operator on whole numbers or plain numbers; symbols go through `symbolic`. */
const binary = (plain: (a: number, b: number) => number, symbolic: (a: Dim, b: Dim) => Dim): DataRule =>
  mapped((_, a, b) => (typeof a === 'number' && typeof b === 'number' ? plain(a, b) : symbolic(a!, b!)));

/** Left as it is when symbolic: symbols are whole. */
const rounding = (f: (x: number) => number): DataRule =>
  mapped((_, x) => (typeof x === 'number' ? f(x) : x!));
const numeric = (f: (x: number) => number): DataRule =>
  mapped((_, x) => (typeof x === 'number' ? f(x) : null));

const divide: DataRule = mapped((c, a, b) => {
  const whole = !isFloat(c.dtype(0));
  if (typeof a === 'number' && typeof b === 'number')
    return b === 0 ? null : whole ? Math.trunc(a / b) : a / b;
  const quotient = divideFloor(a!, b!);
  // Integer division truncates, which is the floor for sizes; a float quotient must be exact to be followed.
  return whole || isSame(multiply(quotient, b!), a!) ? quotient : null;
});

const comparison = (test: (sign: -1 | 0 | 1) => boolean): DataRule =>
  mapped((_, a, b) => {
    const sign = compare(a!, b!);
    return sign === null ? null : Number(test(sign));
  });

const cast: DataRule = (c) => {
  const data = c.data(0);
  if (!data) return null;
  const to = intAttribute(c.node, 'to', 0);
  const target = Object.values(dtypes).find((d) => d.code === to);
  const whole = target?.kind === 'int' || target?.kind === 'uint';
  const convert = (v: Dim): Dim => {
    if (target?.kind === 'bool') return typeof v === 'number' ? Number(v !== 0) : null;
    if (target?.kind === 'string' || target?.kind === 'complex') return null;
    return typeof v === 'number' && whole ? Math.trunc(v) : v;
  };
  return [{ dims: data.dims, values: data.values.map(convert) }];
};

const shape: DataRule = (c) => {
  const dims = c.shape(0);
  if (!dims) return null;
  const inside = (a: number) => Math.min(Math.max(a < 0 ? a + dims.length : a, 0), dims.length);
  const from = inside(intAttribute(c.node, 'start', 0));
  const values = dims.slice(from, Math.max(from, inside(intAttribute(c.node, 'end', dims.length))));
  return [{ dims: [values.length], values }];
};

const gather: DataRule = (c) => {
  const [data, indices] = [c.data(0), c.data(1)];
  if (!data || !indices || !isNumeric(indices.values) || data.dims.length === 0) return null;
  const axis = normalAxis(intAttribute(c.node, 'axis', 0), data.dims.length);
  const [before, after] = [data.dims.slice(0, axis), data.dims.slice(axis + 1)];
  const size = data.dims[axis]!;
  const strides = strideOf(data.dims);
  const indexStrides = strideOf(indices.dims);
  const width = indices.dims.length;
  const picks = indices.values;
  return [
    picked(data, [...before, ...indices.dims, ...after], (at) => {
      const index = picks[dot(at.slice(axis, axis + width), indexStrides)]!;
      return dot(
        [...at.slice(0, axis), index < 0 ? index + size : index, ...at.slice(axis + width)],
        strides,
      );
    }),
  ];
};

const slice: DataRule = (c) => {
  const data = c.data(0);
  const bounds = data && sliceBounds(c, data.dims.length);
  if (!data || !bounds) return null;
  const starts = data.dims.map(() => 0);
  const steps = data.dims.map(() => 1);
  const dims: Dim[] = [...data.dims];
  for (const { axis, start, end, step } of bounds) {
    if (typeof start !== 'number') return null;
    const size = data.dims[axis]!;
    dims[axis] = sliceLength(size, start, end, step);
    const from = start < 0 ? start + size : start;
    starts[axis] = Math.min(Math.max(from, 0), step > 0 ? size : size - 1);
    steps[axis] = step;
  }
  if (!isNumeric(dims)) return null;
  const strides = strideOf(data.dims);
  return [
    picked(data, dims, (at) =>
      dot(
        at.map((x, i) => starts[i]! + x * steps[i]!),
        strides,
      ),
    ),
  ];
};

const concat: DataRule = (c) => {
  const parts = c.node.inputs.map((_, i) => c.data(i));
  const shapes = c.node.inputs.map((_, i) => c.shape(i));
  // Unknown elements of one part leave the others known.
  const lists = parts.map((p, i) => {
    const dims = shapes[i];
    if (p) return p.dims.length === 1 ? p.values : null;
    return dims?.length === 1 && typeof dims[0] === 'number' && dims[0] <= most
      ? Array<null>(dims[0]).fill(null)
      : null;
  });
  if (parts.every((p) => p === null) || lists.some((l) => l === null)) return null;
  const values = lists.flatMap((l) => l!);
  return [{ dims: [values.length], values }];
};

/** The same elements in another shape. */
const relabelled =
  (dimsOf: (c: ShapeContext, dims: readonly number[]) => readonly Dim[] | null): DataRule =>
  (c) => {
    const data = c.data(0);
    const dims = data && dimsOf(c, data.dims);
    return data && dims && isNumeric(dims) ? [{ dims, values: data.values }] : null;
  };

const transpose: DataRule = (c) => {
  const data = c.data(0);
  const perm = data && transposePermutation(c.node, data.dims.length);
  if (!data || !perm) return null;
  const strides = strideOf(data.dims);
  return [
    picked(
      data,
      perm.map((p) => data.dims[p]!),
      (at) =>
        dot(
          at,
          perm.map((p) => strides[p]!),
        ),
    ),
  ];
};

const expand: DataRule = (c) => {
  const [data, target] = [c.data(0), c.data(1)];
  const dims = data && target && broadcastShapes(data.dims, target.values);
  return data && dims && isNumeric(dims) ? [broadcastData(data, dims)] : null;
};

const constantOfShape: DataRule = (c) => {
  const dims = c.data(0)?.values;
  if (!dims || !isNumeric(dims) || sizeOf(dims) > most) return null;
  const value = c.node.attributes.get('value');
  const fill = value?.type === 'tensor' ? (numbers(value.value)[0] ?? 0) : 0;
  return [{ dims, values: Array<number>(sizeOf(dims)).fill(fill) }];
};

const range: DataRule = (c) => {
  const [start, limit, step] = [0, 1, 2].map((i) => c.data(i)?.values[0] ?? null);
  const length = rangeLength(start!, limit!, step!);
  if (typeof length !== 'number' || length > most) return null;
  return [{ dims: [length], values: Array.from({ length }, (_, i) => add(start!, multiply(step!, i))) }];
};

const split: DataRule = (c) => {
  const data = c.data(0);
  if (data?.dims.length !== 1) return null;
  const count = c.node.outputs.length;
  const parts = intAttribute(c.node, 'num_outputs', count);
  const even = Array<number>(count).fill(Math.ceil(data.dims[0]! / parts));
  const sizes = intsAttribute(c.node, 'split') ?? (c.has(1) ? c.data(1)?.values : even);
  if (!sizes || !isNumeric(sizes)) return null;
  let at = 0;
  return sizes.map((n) => {
    const values = data.values.slice(at, at + n);
    at += n;
    return { dims: [values.length], values };
  });
};

/** Fold over the reduced axes, in order. */
const reduction =
  (f: (a: Dim, b: Dim) => Dim, start: Dim | null): DataRule =>
  (c) => {
    const data = c.data(0);
    const axes = integers(c, 'axes', 1);
    if (!data || axes === null || data.values.length === 0) return null;
    const gone = new Set(
      (axes?.length ? axes : data.dims.map((_, i) => i)).map((a) => normalAxis(a, data.dims.length)),
    );
    if (!axes?.length && intAttribute(c.node, 'noop_with_empty_axes', 0) !== 0) return [data];
    const dims = data.dims.map((d, i) => (gone.has(i) ? 1 : d));
    const strides = strideOf(dims);
    const values = Array<Dim>(sizeOf(dims)).fill(start);
    const seen = new Set<number>();
    const from = strideOf(data.dims);
    data.values.forEach((v, i) => {
      const at = dims.map((d, k) => (d === 1 ? 0 : Math.floor(i / from[k]!) % data.dims[k]!));
      const to = dot(at, strides);
      values[to] = seen.has(to) ? f(values[to]!, v) : start === null ? v : f(start, v);
      seen.add(to);
    });
    const keep = intAttribute(c.node, 'keepdims', 1) !== 0;
    return [{ dims: reducedShape(data.dims, [...gone], keep) as number[], values }];
  };

const same: DataRule = (c) => [c.data(0)];

const where: DataRule = mapped((_, test, a, b) => {
  if (typeof test === 'number') return test !== 0 ? a! : b!;
  return isSame(a!, b!) ? a! : null;
});

const nonZero: DataRule = (c) => {
  const data = c.data(0);
  if (!data || !isNumeric(data.values) || data.dims.length === 0) return null;
  const strides = strideOf(data.dims);
  const hits = data.values.flatMap((v, i) => (v !== 0 ? [i] : []));
  const values = data.dims.flatMap((d, k) => hits.map((i) => Math.floor(i / strides[k]!) % d));
  return [{ dims: [data.dims.length, hits.length], values }];
};

/** Constants of any kind that fit; filled in by the driver's `dataOf` for initializers. */
const constant: DataRule = (c) => {
  const t = constantTensor(c.node);
  if (!t || t.kind === 'string' || sizeOf(t.dims) > most || /complex|float8|float4/.test(t.dtype))
    return null;
  return [{ dims: t.dims, values: numbers(t) }];
};

export const dataRules: DataTable = {
  Abs: rounding(Math.abs),
  Add: binary((a, b) => a + b, add),
  And: mapped((_, a, b) => (a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : null)),
  Cast: cast,
  Ceil: rounding(Math.ceil),
  Concat: concat,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Div: divide,
  Equal: comparison((s) => s === 0),
  Expand: expand,
  Flatten: relabelled((c, dims) => {
    const axis = intAttribute(c.node, 'axis', 1);
    const at = axis < 0 ? axis + dims.length : axis;
    return [sizeOf(dims.slice(0, at)), sizeOf(dims.slice(at))];
  }),
  Floor: rounding(Math.floor),
  Gather: gather,
  Greater: comparison((s) => s > 0),
  GreaterOrEqual: comparison((s) => s >= 0),
  Identity: same,
  Less: comparison((s) => s < 0),
  LessOrEqual: comparison((s) => s <= 0),
  Max: mapped((_, ...values) => values.reduce(maximum)),
  Min: mapped((_, ...values) => values.reduce(minimum)),
  Mod: binary(
    (a, b) => (b === 0 ? Number.NaN : a - b * Math.floor(a / b)),
    (a, b) => subtract(a, multiply(b, divideFloor(a, b))),
  ),
  Mul: binary((a, b) => a * b, multiply),
  Neg: mapped((_, a) => subtract(0, a!)),
  NonZero: nonZero,
  Not: mapped((_, a) => (typeof a === 'number' ? Number(a === 0) : null)),
  Or: mapped((_, a, b) => (a === 1 || b === 1 ? 1 : a === 0 && b === 0 ? 0 : null)),
  Pow: binary(
    (a, b) => a ** b,
    () => null,
  ),
  Range: range,
  ReduceMax: reduction(maximum, null),
  ReduceMin: reduction(minimum, null),
  ReduceProd: reduction(multiply, 1),
  ReduceSum: reduction(add, 0),
  Reshape: relabelled((c, dims) => {
    const target = intsAttribute(c.node, 'shape') ?? c.data(1)?.values;
    return target ? reshaped(dims, target, intAttribute(c.node, 'allowzero', 0) !== 0) : null;
  }),
  Round: rounding((x) => {
    const r = Math.round(x);
    return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
  }),
  Shape: shape,
  Size: (c) => [{ dims: [], values: [c.shape(0) ? productOf(c.shape(0)!) : null] }],
  Slice: slice,
  Split: split,
  Sqrt: numeric(Math.sqrt),
  Squeeze: relabelled((c, dims) => {
    const axes = integers(c, 'axes', 1);
    return axes === null ? null : squeezed(dims, axes);
  }),
  Sub: binary((a, b) => a - b, subtract),
  Transpose: transpose,
  Unsqueeze: relabelled((c, dims) => {
    const axes = integers(c, 'axes', 1);
    return axes ? unsqueezed(dims, axes) : null;
  }),
  Where: where,
};
