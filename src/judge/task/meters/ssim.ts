/** Structural similarity of two grey pictures, mean over windows of 7×7 with equal weights.
 *    SSIM = (2·μx·μy + C1)(2·σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2)),  C1 = (0.01·L)², C2 = (0.03·L)²
 *  Variances are those of samples (÷ 48). As scikit-image computes it with its defaults.
 *  @see Wang et al. 2004, IEEE Transactions on Image Processing 13(4), eq. 13 */
const side = 7;

interface SsimOptions {
  readonly height: number;
  readonly width: number;
  /** L: from the least to the largest value that pictures may have. */
  readonly range: number;
}

/** null for pictures that are smaller than a window. */
export function ssim(x: ArrayLike<number>, y: ArrayLike<number>, options: SsimOptions): number | null {
  const { height, width, range } = options;
  if (height < side || width < side) return null;
  const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2];
  const n = side * side;
  const table = (of: (i: number) => number) => summed(of, height, width);
  const [sx, sy] = [table((i) => x[i]!), table((i) => y[i]!)];
  const [sxx, syy] = [table((i) => x[i]! * x[i]!), table((i) => y[i]! * y[i]!)];
  const sxy = table((i) => x[i]! * y[i]!);
  let sum = 0;
  for (let row = 0; row + side <= height; row++)
    for (let column = 0; column + side <= width; column++) {
      const mean = (t: Float64Array) => windowSum(t, row, column, width) / n;
      const [mx, my] = [mean(sx), mean(sy)];
      const unbiased = n / (n - 1);
      const vx = unbiased * (mean(sxx) - mx * mx);
      const vy = unbiased * (mean(syy) - my * my);
      const cov = unbiased * (mean(sxy) - mx * my);
      sum += ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2));
    }
  return sum / ((height - side + 1) * (width - side + 1));
}

/** Sums of everything above and to the left, with a row and a column of zeros before. */
function summed(of: (i: number) => number, height: number, width: number): Float64Array {
  const table = new Float64Array((height + 1) * (width + 1));
  for (let row = 0; row < height; row++) {
    let line = 0;
    for (let column = 0; column < width; column++) {
      line += of(row * width + column);
      table[(row + 1) * (width + 1) + column + 1] = table[row * (width + 1) + column + 1]! + line;
    }
  }
  return table;
}

function windowSum(table: Float64Array, row: number, column: number, width: number): number {
  const at = (r: number, c: number) => table[r * (width + 1) + c]!;
  return at(row + side, column + side) - at(row, column + side) - at(row + side, column) + at(row, column);
}
