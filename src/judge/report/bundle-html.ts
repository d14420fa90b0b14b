/** A bundle's report as one HTML page, under the same policy as the report of a model: nothing loads, names are text. */
import type { BundleReport } from './bundle-report.ts';
import { bundleSections, bundleTop } from './html/bundle.ts';
import { loadCharts } from './html/chart.ts';
import { html } from './html/markup.ts';
import { renderPage } from './html/page.ts';

/** @returns the whole document. The same report gives the same bytes. */
export async function renderBundleHtml(report: BundleReport): Promise<string> {
  const draw = await loadCharts();
  const { tool, createdAt, name } = report;
  return renderPage({
    title: `${name}: edgepress bundle`,
    ...{ tool, createdAt, report },
    body: html`${bundleTop(report)}
${bundleSections(report, draw)}`,
    jsonName: `${name}.report.json`,
  });
}
