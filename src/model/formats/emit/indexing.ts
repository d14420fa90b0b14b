/** Reading and writing elements by their positions. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import {
  cast,
  concat,
  reshape,
  sizeOfAxis,
  slice,
  toList,
  toScalar,
  transpose,
  unsqueeze,
} from './movement.ts';

/** Along an axis; the first `batch` axes of x and indices go together. @param indices  int64 */
export function gatherAlong(e: Emitter, x: Value, indices: Value, axis: number, batch = 0): Value {
  return batch === 0 ? e.emit('Gather', [x, indices], { axis }) : gatherInBatch(e, x, indices, axis, batch);
}

/** GatherND reads the axis right behind the batch; what stood between moves behind it, and back. */
function gatherInBatch(e: Emitter, x: Value, indices: Value, axis: number, batch: number): Value {
  const all = Array.from({ length: e.rank(x) }, (_, i) => i);
  const between = all.slice(batch, axis);
  const moved = transpose(e, x, [...all.slice(0, batch), axis, ...between, ...all.slice(axis + 1)]);
  const y = e.emit('GatherND', [moved, unsqueeze(e, indices, -1)], { batch_dims: batch });
  const found = e.rank(indices) - batch;
  const places = Array.from({ length: e.rank(y) }, (_, i) => i);
  const from = batch + found;
  return transpose(e, y, [
    ...places.slice(0, batch),
    ...places.slice(from, from + between.length),
    ...places.slice(batch, from),
    ...places.slice(from + between.length),
  ]);
}

/** Zeros of a shape, to which updates are added at their indices [n…, depth]; what falls on one place is summed up.
 *  Written over rows, as onnxruntime's ScatterND loses sums of the same place. @param indices  int64 */
export function scatterSum(e: Emitter, indices: Value, updates: Value, size: Value): Value {
  const shape = toList(e, size);
  const depth = e.sizes(indices).at(-1);
  const sizes = e.sizes(shape)[0];
  if (typeof depth !== 'number' || typeof sizes !== 'number')
    return e.refuse('indices of a depth that is not known');
  const product = (list: Value) => e.emit('ReduceProd', [list], { axes: [0], keepdims: 1 });
  const outer = product(slice(e, shape, 0, 0, depth));
  const inner = depth < sizes ? product(slice(e, shape, 0, depth, sizes)) : e.integers(1);
  const steps = Array.from({ length: depth }, (_, i) =>
    i + 1 < depth ? product(slice(e, shape, 0, i + 1, depth)) : e.integers(1),
  );
  const rows = e.emit('ReduceSum', [e.emit('Mul', [indices, concat(e, steps, 0)]), e.integers(-1)], {
    keepdims: 0,
  });
  const column = reshape(e, rows, [-1, 1]);
  const table = concat(e, [sizeOfAxis(e, column, 0), inner], 0);
  const zeros = e.emit('Expand', [e.scalar(e.dtype(updates), 0), concat(e, [outer, inner], 0)]);
  const added = e.emit(
    'ScatterElements',
    [zeros, e.emit('Expand', [column, table]), reshape(e, updates, table)],
    { axis: 0, reduction: 'add' },
  );
  return reshape(e, added, shape);
}

/** A tensor of a default with some elements set. Indices int64: [n, rank], [n] for a list, or one. */
export function sparseToDense(
  e: Emitter,
  places: Value,
  size: Value,
  values: Value,
  otherwise: Value,
): Value {
  const shape = toList(e, size);
  const rank = e.sizes(shape)[0];
  if (typeof rank !== 'number') return e.refuse('a shape of a rank that is not known');
  const fill = cast(e, otherwise, e.dtype(values));
  const indices = reshape(e, places, [-1, rank]);
  const count = sizeOfAxis(e, indices, 0);
  return e.emit('ScatterND', [e.emit('Expand', [fill, shape]), indices, e.emit('Expand', [values, count])]);
}

/** Positions of what is true, int64 [n, rank]. */
export const placesOf = (e: Emitter, x: Value): Value =>
  e.emit('Transpose', [e.emit('NonZero', [cast(e, x, 'bool')])], { perm: [1, 0] });

/** Different elements in order of their first place, and for each element which of them it is, int64. onnxruntime has no
 *  kernel for int32. @param axis  of slices that are compared as a whole */
export function unique(e: Emitter, x: Value, axis?: number): [found: Value, which: Value] {
  const dtype = e.dtype(x);
  const [found, , which] = e.emitAll('Unique', [dtype === 'float32' ? x : cast(e, x, 'int64')], 3, {
    sorted: 0,
    axis,
  });
  return [cast(e, found!, dtype), which!];
}

export interface OneHotOptions {
  readonly on: Value;
  readonly off: Value;
  readonly axis: number;
}

/** `on` at the index along a new axis, `off` elsewhere, in their type. An index outside is nowhere.
 *  @param depth  size of the new axis */
export function oneHot(e: Emitter, given: Value, depth: Value, { on, off, axis }: OneHotOptions): Value {
  const dtype = e.dtype(on);
  // onnxruntime has kernels for these.
  const computed = dtype === 'float32' ? 'float32' : 'int64';
  const values = [off, on].map((v) => reshape(e, cast(e, v, computed), [1]));
  const size = cast(e, toScalar(e, depth), 'int64');
  const indices = cast(e, given, 'int64');
  // ONNX counts negative ones from the end.
  const below = e.emit('Less', [indices, e.scalar('int64', 0)]);
  const places = e.emit('Where', [below, size, indices]);
  return cast(e, e.emit('OneHot', [places, size, concat(e, values, 0)], { axis }), dtype);
}
