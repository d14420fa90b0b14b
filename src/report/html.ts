/** The report as one HTML page that needs nothing else: no network, no fonts, one small script. */
import { sha256Text } from '../support/hash.ts';
import { loadCharts } from './html/chart.ts';
import { embedJson, html, trusted } from './html/markup.ts';
import { script } from './html/script.ts';
import { sections } from './html/sections.ts';
import { style } from './html/style.ts';
import { pageTitle, top } from './html/top.ts';
import type { Report } from './report.ts';

/** @returns the whole document. The same report gives the same bytes.
 *  Names from model files and data are untrusted: all text is escaped, and the page's policy lets no other script run
 *  and nothing load. */
export async function renderHtml(report: Report): Promise<string> {
  const draw = await loadCharts();
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${await base64Hash(script)}'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="${`${report.tool.name} ${report.tool.version}`}">
<title>${pageTitle(report)}</title>
<link rel="icon" href="data:,">
<style>${trusted(style)}</style>
</head>
<body>
<main>
${top(report)}
${sections(report, draw)}
<footer>Made by ${report.tool.name} ${report.tool.version} on ${report.createdAt.slice(0, 10)}. Numbers are as measured; “–” was not measured.</footer>
</main>
<script type="application/json" id="report-data">${trusted(embedJson(report))}</script>
<script>${trusted(script)}</script>
</body>
</html>
`.markup;
}

async function base64Hash(text: string): Promise<string> {
  const hex = await sha256Text(text);
  return btoa(
    (hex.match(/../g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join(''),
  );
}
