/** Shortest decimal texts of floats that read back as the same number. */

export const float64Text = (v: number): string =>
  Number.isFinite(v) ? (Object.is(v, -0) ? '-0' : String(v)) : specialText(v);

/** @param v  a float32 value */
export function float32Text(v: number): string {
  if (!Number.isFinite(v)) return specialText(v);
  if (Number.isInteger(v) && Math.abs(v) < 1e6) return Object.is(v, -0) ? '-0' : String(v);
  // Nine digits always suffice and most weights need eight or nine; six always survive, but for subnormal numbers.
  const least = Math.abs(v) < 1.17549435e-38 ? 1 : 6;
  let best = v.toPrecision(9);
  for (let digits = 8; digits >= least; digits--) {
    const shorter = v.toPrecision(digits);
    if (Math.fround(Number(shorter)) !== v) break;
    best = shorter;
  }
  return String(Number(best));
}

const specialText = (v: number) => (Number.isNaN(v) ? 'nan' : v < 0 ? '-inf' : 'inf');
