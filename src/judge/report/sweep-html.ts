/** A sweep's report as one HTML page, under the same policy as the report of a model. It loads itself again until the sweep is done. */
import { loadCharts } from './html/chart.ts';
import { html } from './html/markup.ts';
import { renderPage } from './html/page.ts';
import { sweepSections, sweepTop } from './html/sweep.ts';
import type { SweepReport } from './sweep-report.ts';

const refreshSeconds = 3;

/** @returns the whole document. The same report gives the same bytes. */
export async function renderSweepHtml(report: SweepReport): Promise<string> {
  const draw = await loadCharts();
  const { tool, createdAt, sweep, complete } = report;
  return renderPage({
    title: `${sweep}: edgepress sweep`,
    ...{ tool, createdAt, report },
    ...(complete ? {} : { refreshSeconds }),
    body: html`${sweepTop(report)}
${sweepSections(report, draw)}`,
    jsonName: 'sweep.json',
  });
}
