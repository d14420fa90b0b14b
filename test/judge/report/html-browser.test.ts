/** The page in a real browser. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderBundleHtml } from '../../../src/judge/report/bundle-html.ts';
import { renderHtml } from '../../../src/judge/report/html.ts';
import type { Report } from '../../../src/judge/report/report.ts';
import { sampleReport } from './sample.ts';
import { sampleBundleReport } from './sample-bundle.ts';

const executablePath = [
  process.env['EDGEPRESS_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path));

describe.skipIf(!executablePath)('the HTML report in Chromium (skipped: none found)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-report-'));
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a report; `complaints` collects console messages, page errors, dialogs and requests. */
  async function open(report: Report, width: number, colorScheme: 'light' | 'dark' = 'light') {
    const path = join(folder, `${width}-${colorScheme}.html`);
    writeFileSync(path, await renderHtml(report));
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(`request ${request.url()}`);
    });
    await page.goto(pathToFileURL(path).href);
    return { page, complaints };
  }

  const overflow = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  it('opens without an error, a request, or sideways scrolling from 360 to 1280 pixels', async () => {
    const { page, complaints } = await open(sampleReport(), 360);
    for (const width of [360, 390, 721, 900, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await overflow(page), `${width} pixels`).toBeLessThanOrEqual(0);
    }
    for (const summary of await page.locator('summary').all()) await summary.click();
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('stays in its width with long names, and runs none of them', async () => {
    const name = `<script>alert(1)</script>${'/model/very_long_layer_name'.repeat(8)}`;
    const base = sampleReport();
    const { page, complaints } = await open(
      sampleReport({
        source: { ...base.source, file: `${name}.onnx` },
        layers: base.layers.map((layer) => ({ ...layer, name, reason: name })),
        variants: base.variants.map((variant) => ({ ...variant, name })),
        files: [name],
      }),
      360,
    );
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows one drawing of each chart, none with text that leaves it or is under 10 pixels', async () => {
    for (const width of [360, 768, 861, 1280]) {
      const { page } = await open(sampleReport(), width);
      const drawings = page.locator('.chart:visible');
      expect(await drawings.count()).toBe(4);
      const found = await drawings.evaluateAll((charts) =>
        charts.flatMap((chart) => {
          const frame = chart.getBoundingClientRect();
          const scale = frame.width / chart.querySelector('svg')!.viewBox.baseVal.width;
          return [...chart.querySelectorAll('text')].flatMap((text) => {
            const box = text.getBoundingClientRect();
            const size = Number.parseFloat(getComputedStyle(text).fontSize) * scale;
            const inside = box.left >= frame.left - 2 && box.right <= frame.right + 2;
            return size >= 10 && inside ? [] : [`${text.textContent} ${size}`];
          });
        }),
      );
      expect(found, `${width} pixels`).toEqual([]);
      await page.close();
    }
  });

  it('has text that stands out from what is behind it, light and dark', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      const { page } = await open(sampleReport(), 1280, scheme);
      const ratios = await page.evaluate(() => {
        const value = (name: string) =>
          getComputedStyle(document.documentElement).getPropertyValue(name).trim();
        const luminance = (hex: string) =>
          [1, 3, 5]
            .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
            .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i]!, 0);
        const contrast = (a: string, b: string) => {
          const [x, y] = [luminance(value(a)), luminance(value(b))];
          return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
        };
        const pairs = [
          ['--ink', '--paper'],
          ['--ink', '--bg'],
          ['--muted', '--paper'],
          ['--muted', '--bg'],
          ['--accent', '--paper'],
          ['--good', '--paper'],
          ['--warn', '--paper'],
          ['--bad', '--paper'],
          ['--good', '--good-bg'],
          ['--warn', '--warn-bg'],
          ['--bad', '--bad-bg'],
          ['--on-tile', '--float'],
          ['--on-tile', '--int8'],
          ['--on-tile', '--stored'],
          ['--on-tile', '--rest'],
          ['--on-marked', '--marked'],
        ] as const;
        return pairs.map(([a, b]) => ({ pair: `${a} on ${b}`, ratio: contrast(a, b) }));
      });
      // 4.5 is WCAG 2.2 AA for text of ordinary size.
      expect(
        ratios.filter(({ ratio }) => !(ratio >= 4.5)),
        scheme,
      ).toEqual([]);
      await page.close();
    }
  });

  it('is as wide as its window for a bundle too, whose devices have long names', async () => {
    const name = `<img src=x onerror=alert(1)>${'a-very-long-name'.repeat(8)}`;
    const path = join(folder, 'bundle.html');
    const devices = sampleBundleReport().devices.map((d) => ({ ...d, device: name }));
    writeFileSync(path, await renderBundleHtml(sampleBundleReport({ name, devices })));
    const page = await browser.newPage({ viewport: { width: 360, height: 800 } });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(pathToFileURL(path).href);
    for (const width of [360, 390, 721, 900, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await overflow(page), `${width} pixels`).toBeLessThanOrEqual(0);
    }
    expect(await page.locator('table:not(:has(caption))').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('hands out its numbers as a JSON file', async () => {
    const report = sampleReport();
    const { page, complaints } = await open(report, 1280);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download').click()]);
    expect(download.suggestedFilename()).toBe('mobilenetv2.int8.report.json');
    expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toEqual(report);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('has headings in order and a caption on every table', async () => {
    const { page } = await open(sampleReport(), 1280);
    const levels = await page.locator('h1,h2,h3').evaluateAll((all) => all.map((h) => Number(h.tagName[1])));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    for (const [i, level] of levels.entries())
      expect(level - (levels[i - 1] ?? level)).toBeLessThanOrEqual(1);
    expect(await page.locator('table:not(:has(caption))').count()).toBe(0);
    await page.close();
  });
});
