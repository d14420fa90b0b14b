/** Charts as static SVG, drawn by echarts without a DOM. Colours are CSS variables, so one drawing serves light and dark;
 *  each chart is drawn twice, for wide pages and for phones, and CSS shows one. */
import type { EChartsCoreOption } from 'echarts/core';
import { html, type Markup, trusted, unbroken } from './markup.ts';

export interface ChartSize {
  readonly width: number;
  readonly height: number;
  readonly narrow: boolean;
}

export interface Chart {
  /** Short, unique in the page. */
  readonly id: string;
  readonly title: string;
  /** Says in words what the drawing shows; read out instead of it. */
  readonly description: string;
  readonly height: { readonly wide: number; readonly narrow: number };
  readonly option: (size: ChartSize) => EChartsCoreOption;
  /** Explains the marks, beside the title. */
  readonly legend: readonly { readonly swatch: string; readonly text: string }[];
  /** The same numbers as a table. */
  readonly table: Markup;
}

/** Draws to an SVG string. */
export type Draw = (chart: Chart, size: ChartSize) => string;

/** CSS shows the narrow one up to 860 pixels, at 480 at most: text is drawn at 0.85 to 1.4 of its size. */
const widths = { wide: 880, narrow: 340 };

/** Loads echarts, which is large, on first use. */
export const loadCharts = async (): Promise<Draw> => drawWith(await import('./echarts.ts'));

/** @param echarts  the module itself, or what a bundler made of it */
export function drawWith({ init, use, ...parts }: typeof import('./echarts.ts')): Draw {
  use([parts.SVGRenderer, parts.LabelLayout, parts.LineChart, parts.ScatterChart, parts.TreemapChart]);
  use([parts.GridComponent, parts.MarkLineComponent]);
  return (chart, size) => {
    const drawing = init(null, null, {
      renderer: 'svg',
      ssr: true,
      width: size.width,
      height: size.height,
    });
    drawing.setOption({ animation: false, textStyle: { fontFamily: 'inherit' }, ...chart.option(size) });
    const svg = drawing.renderToSVGString();
    drawing.dispose(); // An open chart keeps Node alive.
    return tidy(svg, `${chart.id}-${size.narrow ? 'n' : 'w'}`);
  };
}

/** Makes a drawing the same on every run: echarts numbers its ids and classes by a counter of the process. Metadata and
 *  hover styles are for a live page, and labels put far outside are those that did not fit. */
const tidy = (svg: string, id: string) =>
  svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ ecmeta_\w+="[^"]*"/g, '')
    .replace(/ class="zr\d+-cls-\d+"/g, '')
    .replace(/<text[^>]*translate\(-10000[^>]*>[^<]*<\/text>/g, '')
    .replace(/ pointer-events="visible"/g, '')
    .replace(/\bzr\d+-/g, `${id}-`)
    .replace(/\n+/g, '');

/** Title, drawing in two widths, the sentence, and the numbers behind it. */
export function figure(chart: Chart, draw: Draw): Markup {
  const svg = (narrow: boolean) => {
    const size = narrow
      ? { width: widths.narrow, height: chart.height.narrow, narrow }
      : { width: widths.wide, height: chart.height.wide, narrow };
    const name = `chart ${narrow ? 'narrow' : 'wide'}`;
    return html`<div class="${name}" role="img" aria-label="${chart.title}. ${chart.description}">${trusted(draw(chart, size))}</div>`;
  };
  const legend = chart.legend.map(
    ({ swatch, text }) => html`<li><span class="swatch ${swatch}"></span>${text}</li>`,
  );
  return html`<figure id="${chart.id}">
<div class="figure-head"><h3>${chart.title}</h3>${legend.length > 0 ? html`<ul class="legend">${legend}</ul>` : null}</div>
${svg(false)}${svg(true)}
<figcaption>${unbroken(chart.description)}</figcaption>
<details><summary>The numbers</summary>${chart.table}</details>
</figure>`;
}

/** Text size in the drawing's own pixels. */
export const fontSize = ({ narrow }: ChartSize) => (narrow ? 12.5 : 13);

/** A value axis with quiet lines; `name` carries the unit. */
export const valueAxis = (name: string, size: ChartSize, vertical: boolean) => ({
  type: 'value' as const,
  name,
  nameLocation: vertical ? ('end' as const) : ('middle' as const),
  nameGap: vertical ? 14 : 32,
  nameTextStyle: {
    color: 'var(--muted)',
    fontSize: fontSize(size),
    align: vertical ? ('left' as const) : undefined,
    padding: vertical ? [0, 0, 0, -36] : undefined,
  },
  axisLabel: { color: 'var(--muted)', fontSize: fontSize(size), hideOverlap: true },
  axisLine: { show: !vertical, onZero: false, lineStyle: { color: 'var(--axis)' } },
  position: vertical ? ('left' as const) : ('bottom' as const),
  axisTick: { show: false },
  splitLine: { show: true, lineStyle: { color: 'var(--line)' } },
  splitNumber: size.narrow ? 4 : 6,
});

/** An axis from 0 to just past `reach`, ending on a round number. */
export function fromZero(reach: number) {
  const rough = reach / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const interval = power * ([1, 2, 2.5, 5, 10].find((step) => step * power >= rough) ?? 10);
  return { min: 0, max: Math.ceil(reach / interval) * interval, interval };
}

/** Series never react: the drawing is static. */
export const still = { silent: true, emphasis: { disabled: true } };

/** Cut in the middle, where names of layers differ least; not for the sake of a letter or two. */
export function shorten(text: string, length: number): string {
  const chars = [...text];
  if (chars.length <= length + 2) return text;
  const head = Math.ceil((length - 1) / 2);
  return `${chars.slice(0, head).join('')}…${chars.slice(chars.length - (length - 1 - head)).join('')}`;
}
