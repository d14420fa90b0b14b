/** The report as one HTML page that needs nothing else: no network, no fonts, one small script. */
import { withoutExtension } from '../../model/formats/index.ts';
import { loadCharts } from './html/chart.ts';
import { html } from './html/markup.ts';
import { renderPage } from './html/page.ts';
import { sections } from './html/sections.ts';
import { pageTitle, top } from './html/top.ts';
import type { Report } from './report.ts';

/** @returns the whole document. The same report gives the same bytes.
 *  Names from model files and data are untrusted: all text is escaped, and the page's policy lets no other script run
 *  and nothing load. */
export async function renderHtml(report: Report): Promise<string> {
  const draw = await loadCharts();
  const { tool, createdAt } = report;
  return renderPage({
    title: pageTitle(report),
    ...{ tool, createdAt, report },
    body: html`${top(report)}
${sections(report, draw)}`,
    jsonName: `${withoutExtension(report.result.file)}.report.json`,
  });
}
