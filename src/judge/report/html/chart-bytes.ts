/** Where the bytes are: one rectangle a layer, before and after drawn to the same scale. */
import { formatBytes, formatPercent } from '../../../support/units.ts';
import type { Layer, Report } from '../report.ts';
import { layerPrecision } from '../summary.ts';
import { type Chart, type ChartSize, shorten, still } from './chart.ts';
import { table } from './table.ts';

/** Layers smaller than the largest few dozen become one rectangle. */
const mostTiles = 48;

/** null where no layer carries weights. */
export function bytesChart(report: Pick<Report, 'layers'>): Chart | null {
  const layers = report.layers.filter((layer) => layer.weightBytesBefore > 0);
  const before = total(layers, 'weightBytesBefore');
  const after = total(layers, 'weightBytesAfter');
  if (before === 0) return null;
  const sorted = [...layers].sort((a, b) => b.weightBytesAfter - a.weightBytesAfter);
  const largest = sorted[0]!;
  return {
    id: 'bytes',
    title: 'Weight bytes by layer',
    description:
      `Areas are to scale: ${formatBytes(before)} of weights before, ${formatBytes(after)} after. ` +
      `The largest layer now is ${largest.name} with ${formatBytes(largest.weightBytesAfter)}, ` +
      `${formatPercent(largest.weightBytesAfter / Math.max(after, 1), 0)} of what is left.`,
    height: { wide: 400, narrow: 500 },
    legend: [
      { swatch: 'float', text: 'float' },
      ...legend.flatMap((entry) =>
        layers.some((l) => isShownBy(entry, l)) ? [{ swatch: entry.swatch, text: entry.text }] : [],
      ),
    ],
    option: (size) => option(layers, before, after, size),
    table: table('Weight bytes by layer, largest first', sorted, [
      { title: 'Layer', cell: (l) => l.name },
      { title: 'Op', cell: (l) => l.opType },
      { title: 'Precision', cell: layerPrecision },
      { title: 'Before', cell: (l) => formatBytes(l.weightBytesBefore), numeric: true },
      { title: 'After', cell: (l) => formatBytes(l.weightBytesAfter), numeric: true },
    ]),
  };
}

type Bytes = 'weightBytesBefore' | 'weightBytesAfter';

const total = (layers: readonly Layer[], bytes: Bytes) =>
  layers.reduce((sum, layer) => sum + layer[bytes], 0);

function option(layers: readonly Layer[], before: number, after: number, size: ChartSize) {
  const gap = 36;
  const head = 28;
  const largest = Math.max(before, after);
  // Both areas share one scale: sides shrink with the root of the bytes, from the larger of the two.
  const full = size.narrow
    ? { width: size.width, height: (size.height - gap - 2 * head) * 0.64 }
    : { width: (size.width - gap) * 0.62, height: size.height - head };
  const sides = (bytes: number) => {
    const shrink = Math.sqrt(bytes / largest);
    return { width: Math.max(full.width * shrink, 8), height: Math.max(full.height * shrink, 8) };
  };
  const first = { left: 0, top: head, ...sides(before) };
  const second = size.narrow
    ? { left: 0, top: head + first.height + gap + head - 8, ...sides(after) }
    : { left: first.width + gap, top: head, ...sides(after) };
  return {
    // Axes over the whole drawing, in its own pixels, carry the two captions.
    grid: { left: 0, right: 0, top: 0, bottom: 0 },
    xAxis: { type: 'value', show: false, min: 0, max: size.width },
    yAxis: { type: 'value', show: false, min: 0, max: size.height, inverse: true },
    series: [
      treemap(layers, 'weightBytesBefore', first, () => 'var(--float)'),
      treemap(layers, 'weightBytesAfter', second, colourOf),
      caption(`before · ${formatBytes(before)}`, first),
      caption(`after · ${formatBytes(after)}`, second),
    ],
  };
}

interface LegendEntry {
  readonly swatch: string;
  readonly text: string;
  readonly of: readonly Layer['precision'][];
  readonly weights?: Layer['weights'];
}

const isShownBy = ({ of, weights }: LegendEntry, layer: Layer) =>
  of.includes(layer.precision) && layer.weights === weights;

/** What one picture shows together has its own colour; float16 and int8 weights never meet. */
const legend: readonly LegendEntry[] = [
  { swatch: 'int8', text: 'int8', of: ['int8', 'int8-dynamic'] },
  { swatch: 'int8', text: 'int4 stored, int8 computed', of: ['int8', 'int8-dynamic'], weights: 'int4' },
  { swatch: 'int8', text: '4 bits', of: ['q4'] },
  { swatch: 'stored', text: 'int8 stored, float computed', of: ['int8-weights'] },
  { swatch: 'stored', text: 'float16', of: ['float16'] },
];

const colourOf = (layer: Layer) =>
  `var(--${legend.find((entry) => isShownBy(entry, layer))?.swatch ?? 'float'})`;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function treemap(layers: readonly Layer[], bytes: Bytes, box: Box, colour: (layer: Layer) => string) {
  const sorted = [...layers].sort((a, b) => b[bytes] - a[bytes]);
  const rest = sorted.slice(mostTiles);
  const tiles = sorted.slice(0, rest.length > 1 ? mostTiles : undefined).map((layer) => ({
    name: layer.name,
    value: layer[bytes],
    itemStyle: { color: colour(layer) },
  }));
  const others = total(rest, bytes);
  // Tiles are near square: a name gets as many letters of 6 pixels as fit the side of a square of its area.
  const pixels = (box.width * box.height) / total(layers, bytes);
  const letters = (value: number) => Math.max(8, Math.floor(Math.sqrt(value * pixels) / 6));
  if (rest.length > 1 && others > 0)
    tiles.push({ name: `${rest.length} smaller layers`, value: others, itemStyle: { color: 'var(--rest)' } });
  return {
    ...still,
    type: 'treemap' as const,
    ...box,
    roam: false,
    nodeClick: false as const,
    breadcrumb: { show: false },
    visibleMin: 0,
    sort: 'desc' as const,
    itemStyle: { borderColor: 'var(--paper)', borderWidth: 0, gapWidth: 1.5 },
    label: {
      show: true,
      color: 'var(--on-tile)',
      fontSize: 12,
      lineHeight: 16,
      overflow: 'none' as const,
      formatter: ({ name, value }: { name: string; value: number }) =>
        `${shorten(name, letters(value))}\n${formatBytes(value)}`,
    },
    // A cut number is a wrong number: a label that does not fit its tile is not shown at all.
    labelLayout: ({ rect, labelRect }: Record<'rect' | 'labelRect', { width: number; height: number }>) =>
      labelRect.width > rect.width - 6 || labelRect.height > rect.height - 2 ? { x: -1e4, y: -1e4 } : {},
    data: tiles,
  };
}

/** Words over a box, as the label of an invisible point. */
const caption = (text: string, box: Box) => ({
  ...still,
  type: 'scatter' as const,
  symbolSize: 0.01,
  itemStyle: { color: 'transparent', opacity: 1 },
  label: {
    show: true,
    position: 'right' as const,
    distance: 0,
    formatter: () => text,
    color: 'var(--ink)',
    fontWeight: 700,
    fontSize: 13,
  },
  data: [[box.left, box.top - 12]],
});
