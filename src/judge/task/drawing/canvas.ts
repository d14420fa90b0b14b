/** What the drawings on pictures have in common: their colours, and pixels that are transparent until something is drawn on them. */

export type Colour = readonly [red: number, green: number, blue: number];

/** What one model alone shows, told apart with any colour vision; pages name them beside the pictures. */
export const onlyBefore: Colour = [255, 160, 0];
export const onlyAfter: Colour = [0, 180, 255];

export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row. */
  readonly data: Uint8Array;
}

export const canvas = (width: number, height: number): Canvas => ({
  width,
  height,
  data: new Uint8Array(4 * width * height),
});

/** @param opacity  0 to 1; places outside are left out */
export function dot({ width, height, data }: Canvas, x: number, y: number, colour: Colour, opacity: number) {
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  data.set([...colour, Math.round(255 * opacity)], 4 * (y * width + x));
}
