/** Numbers as people read them. Decimal units: 1 MB is 1 000 000 bytes, as in browsers' network panels. */

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  return scaled(bytes, [' kB', ' MB', ' GB', ' TB']);
}

/** 3504872 → "3.50 M", 812 → "812". */
export function formatCount(n: number): string {
  if (n < 1000) return String(Math.round(n));
  return scaled(n, [' k', ' M', ' G', ' T']);
}

export function formatMs(ms: number): string {
  if (ms < 0.9995) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 999.95) return `${ms.toFixed(1)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** 0.9825 → "98.3 %". */
export const formatPercent = (fraction: number, places = 1) => `${(100 * fraction).toFixed(places)} %`;

export const formatDb = (db: number) => `${formatDecimal(db, 1)} dB`;

/** Thousands apart: 13970412 → "13 970 412". */
export function formatInteger(n: number): string {
  const digits = String(Math.abs(Math.round(n)));
  return (n < 0 ? '−' : '') + digits.replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** At most `places` decimals, thousands apart, a true minus sign: −1234.5 → "−1 234.5". */
export function formatDecimal(x: number, places: number): string {
  const [whole, part] = Math.abs(x).toFixed(places).split('.');
  const digits = `${formatInteger(Number(whole))}${part === undefined ? '' : `.${part}`}`;
  return (x < 0 && Number(digits.replaceAll(' ', '')) !== 0 ? '−' : '') + digits;
}

/** A signed difference: 0.3 → "+0.3", −0.3 → "−0.3", and "±0.0" when it rounds to nothing. */
export function formatSigned(x: number, places: number): string {
  const text = formatDecimal(x, places);
  if (Number(text.replaceAll(' ', '')) === 0) return `±${text}`;
  return text.startsWith('−') ? text : `+${text}`;
}

/** How many times: 3.84 → "3.8", 1.043 → "1.04", 12.7 → "13". */
export function formatTimes(ratio: number): string {
  if (ratio >= 9.95) return formatInteger(ratio);
  return ratio >= 1.995 ? ratio.toFixed(1) : ratio.toFixed(2);
}

/** Three significant digits with the first unit in which the rounded number stays below 1000. */
function scaled(x: number, units: readonly string[]): string {
  for (const [index, unit] of units.entries()) {
    const value = x / 1000 ** (index + 1);
    if (value < 999.5 || index === units.length - 1) return digits(value) + unit;
  }
  return String(x);
}

const digits = (x: number) => (x >= 99.95 ? x.toFixed(0) : x >= 9.995 ? x.toFixed(1) : x.toFixed(2));

/** "1 sample", "200 samples". */
export const counted = (n: number, one: string): string => `${n} ${n === 1 ? one : `${one}s`}`;
