/** Linear maps along one axis: which input elements an output element is made of, and how much of each. Padding by
 *  reflection and resizing are such maps; their gradient is the transposed map. */
import type { Value } from '../../../model/ir/model.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import type { RuleContext } from '../rule.ts';
import { around, mixAxis } from './pieces.ts';

/** For each output element its [input element, weight] pairs. */
export type AxisMap = readonly (readonly (readonly [from: number, weight: number])[])[];

/** Source of each element of a padded axis. @param mode  reflect, edge or wrap */
export function padMap(mode: string, size: number, begin: number, end: number): AxisMap {
  const period = Math.max(1, 2 * (size - 1));
  const source = (j: number) => {
    if (mode === 'edge') return Math.min(Math.max(j, 0), size - 1);
    if (mode === 'wrap') return ((j % size) + size) % size;
    const at = ((j % period) + period) % period;
    return at < size ? at : period - at;
  };
  return Array.from({ length: size + begin + end }, (_, j) => [[source(j - begin), 1] as const]);
}

/** Gradient of y[j] = Σ weight·x[from] along `axis`, whose size was `size` before. */
export function placeMap(c: RuleContext, g: Value, axis: number, map: AxisMap, size: number): Value {
  const times = repeats(map, size);
  if (times === 1) return g;
  if (times > 1) {
    const dims = c.dims(g);
    const [before, , after] = around(dims, axis);
    const blocks = c.reshape(g, [before * size, times, after]);
    const summed = c.op('ReduceSum', [blocks, c.ints([1])], { keepdims: 0 });
    return c.reshape(
      summed,
      dims.map((d, i) => (i === axis ? size : d)),
    );
  }
  return mixAxis(c, g, axis, c.constant(transposed(map, size)));
}

/** How many times in a row every element is repeated; 0 for any other map. */
export function repeats(map: AxisMap, size: number): number {
  const times = map.length / size;
  const plain = map.every((p, j) => p.length === 1 && p[0]?.[0] === Math.floor(j / times) && p[0]?.[1] === 1);
  return Number.isInteger(times) && plain ? times : 0;
}

/** [size, outputs] */
function transposed(map: AxisMap, size: number) {
  const weights = new Float32Array(size * map.length);
  map.forEach((pairs, j) => {
    for (const [from, weight] of pairs)
      weights[from * map.length + j] = (weights[from * map.length + j] ?? 0) + weight;
  });
  return tensorOf('float32', [size, map.length], weights);
}
