/** Quality by layer: SQNR along the graph, the ten worst numbered. */
import { formatDb, formatDecimal } from '../../../support/units.ts';
import type { Layer, Report } from '../report.ts';
import { layerPrecision, worstLayers } from '../summary.ts';
import { limits } from '../verdict.ts';
import { type Chart, fontSize, still, valueAxis } from './chart.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

const worstCount = 10;

/** null where fewer than two layers were measured. */
export function qualityChart(report: Pick<Report, 'layers'>): Chart | null {
  const layers = report.layers.filter((layer) => layer.sqnrDb !== null);
  if (layers.length < 2) return null;
  const worst = worstLayers(layers, worstCount);
  const rankOf = new Map(worst.map((layer, i) => [layer, i + 1]));
  const values = layers.map((layer) => layer.sqnrDb!);
  const low = layers.filter((layer) => layer.sqnrDb! < limits.outputSqnrDb).length;
  return {
    id: 'quality',
    title: 'SQNR by layer, in the order of the graph',
    description:
      `Signal to quantisation noise of each layer's output against the original; higher is closer. ` +
      `${layers.length} layers, from ${formatDb(Math.min(...values))} (${worst[0]!.name}) to ${formatDb(Math.max(...values))}; ` +
      `${low === 0 ? 'none' : low} under ${limits.outputSqnrDb} dB.`,
    height: { wide: 320, narrow: 290 },
    legend: [
      { swatch: 'after round', text: 'layer' },
      { swatch: 'marked round', text: 'ten worst, numbered' },
    ],
    option: (size) => ({
      grid: { left: 44, right: 16, top: 40, bottom: 52 },
      xAxis: {
        ...valueAxis('layer, input to output', size, false),
        min: 1,
        max: layers.length,
        minInterval: 1,
      },
      yAxis: { ...valueAxis('dB', size, true), min: Math.min(0, ...values.map(Math.floor)) },
      series: [
        {
          ...still,
          type: 'line',
          symbol: 'none',
          lineStyle: { color: 'var(--after)', width: 1.5, opacity: 0.55 },
          data: values.map((db, i) => [i + 1, db]),
          markLine: {
            silent: true,
            symbol: 'none',
            lineStyle: { color: 'var(--bad)', type: 'dashed', width: 1 },
            label: {
              formatter: `${limits.outputSqnrDb} dB`,
              position: 'insideStartTop',
              color: 'var(--bad)',
              fontSize: fontSize(size),
            },
            data: [{ yAxis: limits.outputSqnrDb }],
          },
        },
        {
          ...still,
          type: 'scatter',
          z: 3,
          symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) =>
            rankOf.has(layers[dataIndex]!) ? 19 : 7,
          data: layers.map((layer, i) => {
            const rank = rankOf.get(layer);
            return {
              value: [i + 1, layer.sqnrDb!],
              itemStyle: { color: rank === undefined ? 'var(--after)' : 'var(--marked)', opacity: 1 },
              label: {
                show: rank !== undefined,
                formatter: () => String(rank ?? ''),
                position: 'inside',
                color: 'var(--on-marked)',
                fontSize: 12,
                fontWeight: 700,
              },
            };
          }),
        },
      ],
    }),
    table: table('SQNR by layer, in the order of the graph', layers, [
      { title: 'Layer', cell: (l) => l.name },
      { title: 'Op', cell: (l) => l.opType },
      { title: 'Precision', cell: layerPrecision },
      { title: 'SQNR', cell: (l) => formatDb(l.sqnrDb!), numeric: true },
      { title: 'Cosine', cell: (l) => (l.cosine === null ? '–' : formatDecimal(l.cosine, 4)), numeric: true },
    ]),
  };
}

/** The ten worst by name; numbers are those in the drawing. */
export function worstList(layers: readonly Layer[]): Markup {
  const items = worstLayers(layers, worstCount).map(
    (layer) =>
      html`<li><span class="name">${layer.name}</span> <span class="detail">${layer.opType}, ${layerPrecision(layer)}</span> <strong>${formatDb(layer.sqnrDb!)}</strong></li>
`,
  );
  return html`<ol class="worst">${items}</ol>`;
}
