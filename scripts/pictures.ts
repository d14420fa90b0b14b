/** Makes the README's pictures, docs/terminal.svg and docs/report.png, from a run of its first command. Needs Chromium and script(1).
 *    npm run build && npx tsx scripts/pictures.ts */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { findBrowser } from '../src/ship/profile/browsers.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = 'npx compress glyphs-cnn.onnx --int8 --data glyphs';

/** Colours of the terminal's escape codes; on a dark ground. */
const styles: Readonly<Record<string, string>> = {
  1: 'font-weight="bold"',
  2: 'opacity="0.65"',
  31: 'fill="#ff7b72"',
  32: 'fill="#7ee787"',
  33: 'fill="#e3b341"',
  36: 'fill="#79c0ff"',
};
const styleCode = new RegExp(`${String.fromCharCode(27)}\\[(\\d+)m`);
const escaped = (text: string) =>
  text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!);

/** One line with escape codes as SVG text spans. */
function spans(line: string): string {
  let style = '';
  return line
    .split(styleCode)
    .map((part, i) => {
      if (i % 2 === 0) return part && `<tspan ${style}>${escaped(part)}</tspan>`;
      style = styles[part] ?? '';
      return '';
    })
    .join('');
}

/** What a terminal shows, as SVG. */
function terminalSvg(text: string): string {
  const lines = text.replace(/\s+$/, '').split('\n');
  const [width, step] = [820, 18];
  const height = lines.length * step + 28;
  const rows = lines.map(
    (line, i) => `<text x="16" y="${26 + i * step}" xml:space="preserve">${spans(line)}</text>`,
  );
  const font = 'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13"';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ${font} fill="#e6edf3">`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

async function photograph(report: string, file: string): Promise<void> {
  const browser = await chromium.launch({
    executablePath: findBrowser('chromium')!.path,
    args: ['--no-sandbox'],
  });
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 } });
  await page.goto(pathToFileURL(report).href);
  await page.screenshot({ path: file });
  await browser.close();
}

const folder = mkdtempSync(join(tmpdir(), 'edgepress-pictures-'));
try {
  cpSync(join(root, 'fixtures/models/glyphs-cnn.onnx'), join(folder, 'glyphs-cnn.onnx'));
  cpSync(join(root, 'fixtures/data/glyphs'), join(folder, 'glyphs'), { recursive: true });
  const [, ...args] = command.split(' ').slice(1);
  // script(1) gives it a terminal, so that there are colours.
  const program = [process.execPath, join(root, 'dist/src/cli/main.js'), ...args].join(' ');
  const output = execFileSync('script', ['-qec', `stty cols 100; ${program} 2>/dev/null`, '/dev/null'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).replaceAll('\r', '');
  writeFileSync(join(root, 'docs/terminal.svg'), terminalSvg(`\u001b[32m$\u001b[39m ${command}\n${output}`));
  await photograph(join(folder, 'glyphs-cnn.int8.report.html'), join(root, 'docs/report.png'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
