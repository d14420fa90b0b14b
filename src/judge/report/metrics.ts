/** Task metrics as people read them. */
import { formatDecimal, formatPercent, formatSigned } from '../../support/units.ts';
import type { Metric } from '../task/measure.ts';

export type { Metric };

/** 0.8225 → "82.3 %"; bits with three decimals, plain numbers with as many as leave five digits, three at most. */
export function formatMetric(metric: Pick<Metric, 'unit'>, value: number | null): string {
  if (value === null) return '–';
  if (metric.unit === 'fraction') return formatPercent(value);
  return metric.unit === 'bits' ? `${formatDecimal(value, 3)} bits` : formatDecimal(value, placesOf(value));
}

const placesOf = (value: number): number => (Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 10 ? 2 : 3);

/** What is lost, in points of a share, and in per cent of what the original has of anything else; null when not measured. */
export function pointsLostOf(metric: Metric): number | null {
  const change = changeOf(metric);
  if (change === null) return null;
  return -100 * (metric.unit === 'fraction' ? change : change / (Math.abs(metric.before!) || 1));
}

/** How much better the result is: positive is better whichever way the metric points; null when not measured. */
export function changeOf({ before, after, higherIsBetter }: Metric): number | null {
  if (before === null || after === null) return null;
  return higherIsBetter ? after - before : before - after;
}

/** "95 % −1.6 to +0.6": the interval of the difference on the same samples, as it is signed; empty where it is not known. */
export function formatChangeInterval({ changeInterval }: Pick<Metric, 'changeInterval'>): string {
  if (!changeInterval) return '';
  const [low, high] = changeInterval.map((x) => formatSigned(100 * x, 1));
  return `95 % ${low} to ${high}`;
}

/** "−0.3 points", "+0.012 bits": the difference as measured, not turned round. */
export function formatChange(metric: Metric): string {
  const { before, after, unit } = metric;
  if (before === null || after === null) return '';
  if (unit === 'fraction') return `${formatSigned(100 * (after - before), 1)} points`;
  if (unit === 'bits') return `${formatSigned(after - before, 3)} bits`;
  return formatSigned(after - before, placesOf(Math.max(Math.abs(before), Math.abs(after))));
}
