/** Numbers as people read them. Decimal units: 1 MB is 1 000 000 bytes, as in browsers' network panels. */

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${digits(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${digits(bytes / 1e6)} MB`;
  return `${digits(bytes / 1e9)} GB`;
}

/** 3504872 → "3.5 M", 812 → "812". */
export function formatCount(n: number): string {
  if (n < 1000) return String(n);
  if (n < 1e6) return `${digits(n / 1e3)} k`;
  if (n < 1e9) return `${digits(n / 1e6)} M`;
  return `${digits(n / 1e9)} G`;
}

export function formatMs(ms: number): string {
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms.toFixed(1)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

export const formatPercent = (fraction: number, places = 1) => `${(100 * fraction).toFixed(places)} %`;

const digits = (x: number) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2));
