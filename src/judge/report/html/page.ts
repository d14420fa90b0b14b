/** The document around a report: policy, style, the JSON inside, one small script. */
import { sha256Text } from '../../../support/hash.ts';
import { embedJson, html, type Markup, trusted } from './markup.ts';
import { script } from './script.ts';
import { style } from './style.ts';

export interface Page {
  readonly title: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly createdAt: string;
  readonly body: Markup;
  /** What the page is a view of. */
  readonly report: object;
  /** Name for the downloaded JSON. */
  readonly jsonName: string;
  /** The file changes: the page is loaded again after so many seconds. Absent: it stays. */
  readonly refreshSeconds?: number;
}

/** @returns the whole document; nothing of it loads anything, and no other script runs. */
export async function renderPage(page: Page): Promise<string> {
  const { title, tool, createdAt, body, report, jsonName, refreshSeconds } = page;
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${await base64Hash(script)}'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="${`${tool.name} ${tool.version}`}">
${
  refreshSeconds === undefined
    ? null
    : html`<meta http-equiv="refresh" content="${refreshSeconds}">
`
}<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(style)}</style>
</head>
<body>
<main data-name="${jsonName}">
${body}
<footer>Made by ${tool.name} ${tool.version} on ${createdAt.slice(0, 10)}. Numbers are as measured; “–” was not measured.</footer>
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
