/** Where the masks of both models differ, on the picture. */
import type { Drawing } from '../../../data/drawing.ts';
import { type Colour, canvas, dot, onlyAfter, onlyBefore } from './canvas.ts';

export interface Masks {
  readonly width: number;
  readonly height: number;
  /** The class of each place, row by row. */
  readonly before: ArrayLike<number>;
  readonly after: ArrayLike<number>;
}

/** Of two classes neither of which is nothing. */
const other: Colour = [255, 0, 170];
/** What both show. */
const both: Colour = [255, 255, 255];

export const drawMasks = ({ before, after, ...size }: Masks): Drawing => ({
  kind: 'mask',
  paint(width, height) {
    const on = canvas(width, height);
    for (let y = 0; y < height; y++) {
      const row = Math.floor((y * size.height) / height) * size.width;
      for (let x = 0; x < width; x++) {
        const at = row + Math.floor((x * size.width) / width);
        const [was, is] = [before[at]!, after[at]!];
        if (was === is) {
          if (is !== 0) dot(on, x, y, both, 0.35);
        } else dot(on, x, y, is === 0 ? onlyBefore : was === 0 ? onlyAfter : other, 0.75);
      }
    }
    return on.data;
  },
});
