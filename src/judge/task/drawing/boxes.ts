/** Boxes of both models on one picture: those that both find are thin, others thick. */
import type { Drawing } from '../../../data/drawing.ts';
import type { Box } from '../boxes/box.ts';
import { type Canvas, type Colour, canvas, dot, onlyAfter, onlyBefore } from './canvas.ts';

export interface DrawnBoxes {
  readonly boxes: readonly Box[];
  /** Whether the other model has the box, too. */
  readonly isShared: (index: number) => boolean;
}

export interface BoxUnits {
  /** What a picture's width and height are in the unit of corners. */
  readonly width: number;
  readonly height: number;
  /** Corners are y, x, y, x. */
  readonly isTurned: boolean;
}

/** null where nobody knows where in the picture boxes are. */
export function drawBoxes(before: DrawnBoxes, after: DrawnBoxes, units: BoxUnits): Drawing | null {
  if ([...before.boxes, ...after.boxes].some(({ place }) => place !== null)) return null;
  return {
    kind: 'boxes',
    paint(width, height) {
      const on = canvas(width, height);
      // The result's lines lie inside the original's, so that boxes at one place show both.
      for (const [{ boxes, isShared }, colour, inset] of [
        [before, onlyBefore, 0],
        [after, onlyAfter, 1],
      ] as const)
        for (const [i, box] of boxes.entries()) frame(on, scaled(box, units, on), colour, isShared(i), inset);
      return on.data;
    },
  };
}

const scaled = ({ left, top, right, bottom }: Box, { isTurned, ...full }: BoxUnits, on: Canvas) => {
  const [x0, y0, x1, y1] = isTurned ? [top, left, bottom, right] : [left, top, right, bottom];
  const [x, y] = [on.width / full.width, on.height / full.height];
  return [x0 * x, y0 * y, x1 * x, y1 * y].map(Math.round) as [number, number, number, number];
};

function frame(
  on: Canvas,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
  colour: Colour,
  isShared: boolean,
  inset: number,
): void {
  const lines = isShared ? 1 : 2;
  for (let line = 0; line < lines; line++) {
    const by = line + inset;
    const [left, top, right, bottom] = [x0 + by, y0 + by, x1 - by, y1 - by];
    // A corner far outside would be a long way to go for nothing.
    for (let x = Math.max(0, left); x <= Math.min(right, on.width - 1); x++)
      for (const y of [top, bottom]) dot(on, x, y, colour, 1);
    for (let y = Math.max(0, top); y <= Math.min(bottom, on.height - 1); y++)
      for (const x of [left, right]) dot(on, x, y, colour, 1);
  }
}
