/** How a training went: loss by epoch, and the metric on samples that it did not see. */
import { type TrainingFacts, trainingMetric, trainingRate, trainingSentence } from '../training.ts';
import { type Chart, type Draw, figure, still, valueAxis } from './chart.ts';
import { html, type Markup } from './markup.ts';
import { table } from './table.ts';

/** null where nothing was trained; one epoch makes a sentence, no curve. @param id  starts the ids of its figures */
export function trainingCharts(training: TrainingFacts, id: string, draw: Draw): Markup | null {
  if (training.epochs.length === 0) return null;
  const measured = training.epochs.filter((e) => e.metric !== null);
  const loss = training.epochs.length > 1 ? lossChart(training, id) : null;
  const metric = measured.length > 1 ? metricChart(training, measured, id) : null;
  return html`<p><strong>${training.name}</strong>: ${trainingSentence(training)}</p>
${loss && figure(loss, draw)}${metric && figure(metric, draw)}`;
}

function lossChart(t: TrainingFacts, id: string): Chart {
  const points = t.epochs.map((e) => [e.epoch, e.loss] as const);
  const [first, last] = [t.epochs[0]!, t.epochs.at(-1)!];
  return {
    ...curve(`${id}-loss`, 'loss', points, 0),
    title: 'Loss by epoch',
    description: `Mean loss (${t.losses.join(' and ')}) over the batches of each epoch, from ${first.loss.toPrecision(3)} to ${last.loss.toPrecision(3)}.`,
    table: epochTable(t),
  };
}

function metricChart(t: TrainingFacts, measured: TrainingFacts['epochs'], id: string): Chart {
  const scale = t.metric === 'SQNR' ? 1 : 100;
  const points = [
    ...(t.before === null ? [] : [[0, t.before * scale] as const]),
    ...measured.map((e) => [e.epoch, e.metric! * scale] as const),
  ];
  const values = points.map(([, v]) => v);
  const room = Math.max(0.5, 0.2 * (Math.max(...values) - Math.min(...values)));
  return {
    ...curve(
      `${id}-metric`,
      t.metric === 'SQNR' ? 'dB' : '%',
      points,
      Math.floor(Math.min(...values) - room),
    ),
    title: `${t.metric === 'SQNR' ? 'SQNR' : t.metric === 'accuracy' ? 'Accuracy' : 'Agreement with the original'} on samples held back`,
    description: `${trainingMetric(t, t.before)} before training; the best epoch, ${t.best?.epoch ?? 'none'}, has ${trainingMetric(t, t.best?.metric ?? null)}. ${t.validationSamples} samples, which did not train.`,
    table: epochTable(t),
  };
}

function curve(
  id: string,
  unit: string,
  points: readonly (readonly [number, number])[],
  least: number,
): Pick<Chart, 'id' | 'height' | 'legend' | 'option'> {
  return {
    id,
    height: { wide: 260, narrow: 240 },
    legend: [],
    option: (size) => ({
      grid: { left: 52, right: 16, top: 40, bottom: 52 },
      xAxis: {
        ...valueAxis('epoch', size, false),
        min: points[0]![0],
        max: Math.max(points.at(-1)![0], points[0]![0] + 1),
        minInterval: 1,
      },
      yAxis: { ...valueAxis(unit, size, true), min: least },
      series: [
        {
          ...still,
          type: 'line',
          symbol: 'circle',
          symbolSize: 7,
          lineStyle: { color: 'var(--after)', width: 1.5, opacity: 0.7 },
          itemStyle: { color: 'var(--after)', opacity: 1 },
          data: points.map(([x, y]) => [x, y]),
        },
      ],
    }),
  };
}

const epochTable = (t: TrainingFacts) =>
  table('Every epoch', t.epochs, [
    { title: 'Epoch', cell: (e) => `${e.epoch}${e.epoch === t.best?.epoch ? ' (kept)' : ''}` },
    { title: 'Loss', cell: (e) => e.loss.toPrecision(4), numeric: true },
    { title: 'Held out', cell: (e) => trainingMetric(t, e.metric), numeric: true },
    { title: 'Learning rate', cell: (e) => trainingRate(e.learningRate), numeric: true },
  ]);
