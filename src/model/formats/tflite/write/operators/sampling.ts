/** GridSample, of which LiteRT has no operator: pixels are gathered by their place, each with its share.
 *    y[n, i, j] = Σ share·x[n, v, u]  over the pixels (v, u) around grid[n, i, j]
 *  Source: ONNX GridSample-20. */
import { intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import { type Emitter, type LiteRow, type LiteRows, refuse, reshaped } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { binary, cast, compare, gathered, scaled, shifted, unary } from './arithmetic.ts';

/** A pixel along one axis, for every point. */
interface Pixel {
  /** Whole, maybe outside. */
  readonly at: LiteTensor;
  /** null: all of it. */
  readonly share: LiteTensor | null;
}

const between = (e: Emitter, x: LiteTensor, high: number): LiteTensor =>
  binary(e, 'MINIMUM', binary(e, 'MAXIMUM', x, e.float(0)), e.float(high));

/** −1 … 1 as pixels of an axis: to the middle of the outermost, or to the edges. */
const placed = (e: Emitter, x: LiteTensor, size: number, toMiddle: boolean): LiteTensor =>
  toMiddle
    ? scaled(e, shifted(e, x, 1), (size - 1) / 2)
    : shifted(e, scaled(e, shifted(e, x, 1), size / 2), -0.5);

function neighbours(e: Emitter, x: LiteTensor, isNearest: boolean): Pixel[] {
  if (isNearest) return [{ at: unary(e, 'ROUND', x), share: null }];
  const low = unary(e, 'FLOOR', x);
  const part = binary(e, 'SUB', x, low);
  return [
    { at: low, share: binary(e, 'SUB', e.float(1), part) },
    { at: shifted(e, low, 1), share: part },
  ];
}

const times = (e: Emitter, a: LiteTensor | null, b: LiteTensor | null): LiteTensor | null =>
  a && b ? binary(e, 'MUL', a, b) : (a ?? b);

const gridSample: LiteRow = {
  emit(node, e) {
    const [x, grid] = [e.input(node, 0), e.input(node, 1)];
    const mode = textAttribute(node, 'mode', 'linear');
    const padding = textAttribute(node, 'padding_mode', 'zeros');
    if (x.shape.length !== 4) return refuse(node, `it samples tensors of ${x.shape.length} axes`);
    if (/cubic/.test(mode) || padding === 'reflection') return refuse(node, `it is ${mode} with ${padding}`);
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const toMiddle = intAttribute(node, 'align_corners', 0) !== 0;
    const [columns, rows] = [width, height].map((size, i) => {
      const place = placed(e, gathered(e, grid, e.int(i), 3), size, toMiddle);
      const held = padding === 'border' ? between(e, place, size - 1) : place;
      return neighbours(e, held, mode === 'nearest').map(({ at, share }) => {
        const inside = between(e, at, size - 1);
        const isThere = padding === 'border' ? null : cast(e, compare(e, 'EQUAL', inside, at), 'float32');
        return { at: cast(e, inside, 'int32'), share: times(e, share, isThere) };
      });
    }) as [Pixel[], Pixel[]];
    const pixels = reshaped(e, x, [batch * height * width, channels]);
    const first = e.constant(
      tensorOf(
        'int32',
        [batch, 1, 1],
        Array.from({ length: batch }, (_, n) => n * height * width),
      ),
    );
    const parts = rows.flatMap((row) =>
      columns.map((column) => {
        const inRow = binary(e, 'ADD', binary(e, 'MUL', row.at, e.int(width)), column.at);
        const found = gathered(e, pixels, binary(e, 'ADD', inRow, first), 0);
        const share = times(e, row.share, column.share);
        return share ? binary(e, 'MUL', found, reshaped(e, share, [...share.shape, 1])) : found;
      }),
    );
    return parts.reduce((a, b) => binary(e, 'ADD', a, b));
  },
};

/** Channels last. */
export const sampling: LiteRows = { GridSample: gridSample };
