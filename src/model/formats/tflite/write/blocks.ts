/** Weights whose scales are of blocks, which LiteRT's kernels don't take: one row a block, with a scale of its own, in as few bits as
 *  they have, behind a DEQUANTIZE that runs once.
 *    w[n, k] = (q[n, k] − z[n, b])·s[n, b],  b = ⌊k/block⌋   ⇒   q as [n·blocks, block], scales along the first axis
 *  The values are exact, and the file holds what the model held. Source: tflite/kernels/dequantize.cc. */
import { elementCount, float32Values, numbers, tensorOf } from '../../../ir/tensor.ts';
import { gridPlaces, isBlocked } from '../../lowered/grid.ts';
import { permuted, type Weight } from '../../lowered/weights.ts';
import { type Emitter, reshaped, shaped } from './emitter.ts';
import type { LiteTensor } from './graph.ts';
import { binary } from './operators/arithmetic.ts';
import { transposed } from './operators/shaping.ts';
import { storedIntegers } from './stored.ts';

export const hasBlocks = ({ tensor, grid }: Weight): boolean =>
  grid !== null && tensor.dims.some((size, axis) => isBlocked(grid.step[axis]!, size));

/** The weight in floats. */
export function blockWeight(e: Emitter, weight: Weight): LiteTensor {
  const { dims } = weight.tensor;
  const axis = dims.findLastIndex((size, i) => isBlocked(weight.grid!.step[i]!, size));
  const order = [...dims.keys()].filter((i) => i !== axis).concat(axis);
  const rows = rowsOf(permuted(weight, order));
  const whole = rows.zero.every(Number.isInteger);
  const shape = [rows.scale.length, rows.block];
  const quantization = {
    ...{ scale: rows.scale, axis: 0 },
    zeroPoint: whole ? rows.zero : rows.zero.map(() => 0),
  };
  const codes = storedIntegers(rows.codes, { shape, quantization }, e.name('weight'));
  const real = e.op('DEQUANTIZE', [codes], { type: 'float32', shape, quantization: null });
  const offset = rows.zero.map((z, i) => z * rows.scale[i]!);
  const moved = whole
    ? real
    : binary(e, 'SUB', real, e.constant(tensorOf('float32', [offset.length, 1], offset)));
  const turned = order.map((i) => dims[i]!);
  const full = reshaped(e, moved, [...turned.slice(0, -1), rows.width]);
  const cut = rows.width === turned.at(-1) ? full : sliced(e, full, turned);
  return transposed(
    e,
    cut,
    dims.map((_, i) => order.indexOf(i)),
  );
}

const sliced = (e: Emitter, x: LiteTensor, shape: readonly number[]): LiteTensor =>
  e.op('SLICE', [x, e.int(shape.map(() => 0)), e.int(shape)], shaped(x, shape), ['SliceOptions', {}]);

/** One row a block of the last axis; the last blocks are filled up with zeros. */
function rowsOf({ tensor, grid }: Weight) {
  const { dims } = tensor;
  const [size, block] = [dims.at(-1)!, grid!.step.at(-1)!];
  const blocks = Math.ceil(size / block);
  const outer = elementCount(dims.slice(0, -1));
  const [values, places] = [numbers(tensor), gridPlaces(dims, grid!)];
  const [scales, zeros] = [float32Values(grid!.scale), grid!.zero && float32Values(grid!.zero)];
  const codes = new Int16Array(outer * blocks * block);
  const first = Array.from({ length: outer * blocks }, (_, row) => {
    const at = Math.floor(row / blocks) * size + (row % blocks) * block;
    const count = Math.min(block, size - (row % blocks) * block);
    for (let i = 0; i < count; i++) codes[row * block + i] = Number(values[at + i]!);
    return places[at]!;
  });
  return {
    ...{ codes, block, width: blocks * block },
    scale: first.map((place) => scales[place]!),
    zero: first.map((place) => zeros?.[place] ?? 0),
  };
}
