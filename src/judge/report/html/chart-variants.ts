/** Size against accuracy: each variant a point, this one marked. */
import { formatBytes } from '../../../support/units.ts';
import { formatMetric } from '../metrics.ts';
import type { Report } from '../report.ts';
import { type Chart, fontSize, fromZero, shorten, still, valueAxis } from './chart.ts';
import { table } from './table.ts';

/** A variant and the 95 % interval of its value, where it has one. */
export type ChartedVariant = Report['variants'][number] & { readonly interval?: readonly [number, number] };

/** What the two colours mean, and what stands behind the name of a marked variant. */
interface Words {
  readonly current: string;
  readonly others: string;
  readonly mark: string;
}

const ofOneResult: Words = { current: 'this result', others: 'also tried', mark: ' (this one)' };

/** @returns null where fewer than three variants were measured by the same metric: of two a sentence says more. */
export function variantsChart(
  report: { readonly variants: readonly ChartedVariant[]; readonly evaluation: Report['evaluation'] },
  words = ofOneResult,
): Chart | null {
  const metric = report.variants.find((v) => v.current)?.metric ?? report.variants[0]?.metric ?? null;
  const points = report.variants.filter((v) => v.metric === metric && v.value !== null);
  if (metric === null || points.length < 3) return null;
  const unit = unitOf(report, metric, points);
  const scale = unit === 'fraction' ? 100 : 1;
  const sizes = points.map((v) => v.sizeBytes / 1e6);
  const values = points.map((v) => v.value! * scale);
  const ends = points.flatMap(({ interval }) => interval?.map((end) => end * scale) ?? []);
  /** Beside the point, inwards; where there is no room for that, above and below alternately. */
  const placeOf = (i: number, narrow: boolean) => {
    const order = sizes.filter((s) => s < sizes[i]!).length;
    if (narrow) return order % 2 === 0 ? 'top' : 'bottom';
    return sizes[i]! > 0.6 * Math.max(...sizes) ? 'left' : 'right';
  };
  const label = unit === 'fraction' ? `${metric} (%)` : metric;
  return {
    id: 'variants',
    title: `File size against ${metric}`,
    description: describe(points, metric, unit, words),
    height: { wide: 340, narrow: 300 },
    legend: [
      ...(ends.length > 0 ? [{ swatch: 'interval', text: '95 % interval' }] : []),
      { swatch: 'after', text: words.current },
      { swatch: 'before', text: words.others },
    ],
    option: (size) => ({
      grid: { left: 56, right: 24, top: 40, bottom: 52 },
      xAxis: { ...valueAxis('file size (MB)', size, false), ...fromZero(Math.max(...sizes) * 1.02) },
      yAxis: {
        ...valueAxis(label, size, true),
        ...padded([...values, ...ends], unit === 'fraction' ? 100 : null),
      },
      series: [
        ...points.flatMap(({ interval }, i) => (interval ? [upright(sizes[i]!, interval, scale)] : [])),
        {
          ...still,
          type: 'scatter',
          symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) =>
            points[dataIndex]!.current ? 18 : 11,
          labelLayout: { hideOverlap: true },
          data: points.map((variant, i) => ({
            value: [sizes[i]!, values[i]!],
            itemStyle: {
              color: variant.current ? 'var(--after)' : 'var(--before)',
              borderColor: 'var(--paper)',
              borderWidth: 2,
              opacity: 1,
            },
            label: {
              show: true,
              formatter: () => shorten(variant.name, size.narrow ? 16 : 30),
              position: placeOf(i, size.narrow),
              distance: 8,
              color: variant.current ? 'var(--ink)' : 'var(--muted)',
              fontSize: fontSize(size),
              fontWeight: variant.current ? 700 : 400,
            },
          })),
        },
      ],
    }),
    table: table('Every variant tried', report.variants, [
      { title: 'Variant', cell: (v) => (v.current ? `${v.name}${words.mark}` : v.name) },
      { title: 'File', cell: (v) => formatBytes(v.sizeBytes), numeric: true },
      {
        title: 'Brotli',
        cell: (v) => (v.brotliBytes === null ? '–' : formatBytes(v.brotliBytes)),
        numeric: true,
      },
      { title: 'Measure', cell: (v) => v.metric ?? 'not measured' },
      {
        title: 'Value',
        cell: (v) => formatMetric({ unit: unitOf(report, v.metric, [v]) }, v.value),
        numeric: true,
      },
      ...(ends.length > 0 ? [{ title: '95 % interval', cell: intervalText(unit), numeric: true }] : []),
    ]),
  };
}

/** A line from one end of an interval to the other. */
const upright = (size: number, interval: readonly [number, number], scale: number) => ({
  ...still,
  type: 'line' as const,
  symbol: 'none',
  lineStyle: { color: 'var(--muted)', width: 1.5, opacity: 0.7 },
  data: interval.map((end) => [size, end * scale]),
});

/** The task metric's own unit; agreement and the like are fractions when they lie between 0 and 1. */
function unitOf(
  report: Pick<Report, 'evaluation'>,
  metric: string | null,
  points: readonly ChartedVariant[],
) {
  const known = report.evaluation?.metrics.find((m) => m.name === metric)?.unit;
  return (
    known ?? (points.every((v) => v.value === null || (v.value >= 0 && v.value <= 1)) ? 'fraction' : 'number')
  );
}

const intervalText =
  (unit: 'fraction' | 'number' | 'bits') =>
  ({ interval }: ChartedVariant): string =>
    interval ? interval.map((end) => formatMetric({ unit }, end)).join(' to ') : '–';

function describe(
  points: readonly ChartedVariant[],
  metric: string,
  unit: 'fraction' | 'number' | 'bits',
  { mark }: Words,
): string {
  const texts = points.map(
    (v) =>
      `${v.name}${v.current ? mark : ''} ${formatBytes(v.sizeBytes)}, ${formatMetric({ unit }, v.value)}`,
  );
  return `${metric} of ${points.length} variants: ${texts.join('; ')}.`;
}

/** Room above and below the points, so that no mark lies on the frame. @param end  what no value can be beyond; null: there is none */
function padded(values: readonly number[], end: number | null) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((high - low) * 0.1, Math.abs(high) * 0.01, 1e-6);
  const rough = (high - low + 2 * room) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((times) => times * power >= rough) ?? 10);
  // Whole multiples of 0.1 have tails in binary, which would be printed.
  const tidy = (value: number) => Number(value.toPrecision(12));
  return {
    interval: tidy(step),
    min: tidy(Math.floor((low - room) / step) * step),
    max: Math.min(end ?? Number.POSITIVE_INFINITY, tidy(Math.ceil((high + room) / step) * step)),
  };
}
