/** Smooth random fields whose amplitude falls with frequency, as it does in photographs.
 *  @see Field, Relations between the statistics of natural images … (1987) */
import type { Random } from '../../support/random.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** @param fall  how much weaker each octave is than the one below: 0.5 is 1/f, less is smoother
 *  @returns width × height values, row by row, about −1 … 1 */
export function noiseField(random: Random, { width, height }: Size, fall: number): Float32Array {
  const out = new Float32Array(width * height);
  const longest = Math.max(width, height);
  let amplitude = 1;
  let total = 0;
  for (let cells = 2; cells <= longest / 2 && amplitude > 0.02; cells *= 2) {
    addOctave(out, random, { width, height, amplitude, cell: longest / cells });
    total += amplitude ** 2;
    amplitude *= fall;
  }
  const scale = total > 0 ? 1 / Math.sqrt(total) : 1;
  for (let i = 0; i < out.length; i++) out[i]! *= scale;
  return out;
}

interface Octave extends Size {
  readonly amplitude: number;
  /** Pixels from one random value to the next. */
  readonly cell: number;
}

function addOctave(out: Float32Array, random: Random, { width, height, amplitude, cell }: Octave): void {
  const columns = Math.ceil(width / cell) + 2;
  const rows = Math.ceil(height / cell) + 2;
  const grid = Float32Array.from({ length: columns * rows }, () => amplitude * random.normal());
  const across = Array.from({ length: width }, (_, x) => between(x / cell));
  let at = 0;
  for (let y = 0; y < height; y++) {
    const down = between(y / cell);
    const [above, below] = [down.index * columns, (down.index + 1) * columns];
    for (const { index, share } of across) {
      const top = grid[above + index]! + share * (grid[above + index + 1]! - grid[above + index]!);
      const bottom = grid[below + index]! + share * (grid[below + index + 1]! - grid[below + index]!);
      out[at++]! += top + down.share * (bottom - top);
    }
  }
}

/** Smoothed, so that the grid doesn't show. */
function between(place: number): { readonly index: number; readonly share: number } {
  const index = Math.floor(place);
  const rest = place - index;
  return { index, share: rest * rest * (3 - 2 * rest) };
}
