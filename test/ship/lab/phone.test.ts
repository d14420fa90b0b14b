/** An emulated phone joins, measures and sends. Skipped where no Chromium is found; EDGEPRESS_CHROMIUM names one. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, devices, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LabRequest, type LabSummary, type OpenLab, runLab } from '../../../src/jobs/lab.ts';
import { manifestSchema } from '../../../src/ship/emit/manifest.ts';
import { labResultsSchema } from '../../../src/ship/lab/results.ts';
import type { LabEvent } from '../../../src/ship/lab/roster.ts';
import { findBrowser } from '../../../src/ship/profile/browsers.ts';
import { launchBrowser } from '../../../src/ship/profile/launch.ts';
import type { Tab } from '../../../src/ship/profile/launched-browser.ts';
import { type TestBundle, writeBundle } from './bundle.ts';

const executablePath = [
  process.env['EDGEPRESS_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path));

const flags = [
  ...['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

describe.skipIf(!executablePath)('the lab page on an emulated phone (skipped: no Chromium found)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: flags });
  });
  afterAll(async () => {
    await browser?.close();
  });

  /** A lab that ends with its first device. */
  async function open(bundle: TestBundle, request: Partial<LabRequest> = {}) {
    const events: LabEvent['type'][] = [];
    let opened: (lab: OpenLab) => void = () => {};
    const lab = new Promise<OpenLab>((resolve) => {
      opened = resolve;
    });
    const stop = new AbortController();
    const summary: Promise<LabSummary> = runLab({
      bundle: bundle.folder,
      ...{ port: 0, lan: false, https: false, idleMs: 60_000, once: true },
      signal: stop.signal,
      onOpen: opened,
      onEvent: ({ type }) => events.push(type),
      ...request,
    });
    await Promise.race([lab, summary]);
    return { url: (await lab).urls[0]!, summary, events, stop };
  }

  async function phone(): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
    const context = await browser.newContext({ ...devices['Pixel 7'], ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const complaints: string[] = [];
    // Chromium's own word on a machine without a graphics card.
    page.on('console', (message) => {
      if (message.text() !== 'No available adapters.') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    return { context, page, complaints };
  }

  const status = (page: Page, text: RegExp) =>
    page.locator('#status', { hasText: text }).waitFor({ timeout: 90_000 });
  const overflow = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  it('measures what it can, survives a reload, sends it, and it ends up in the bundle', async () => {
    const bundle = writeBundle({ broken: true });
    const { url, summary, events } = await open(bundle);
    const { context, page, complaints } = await phone();
    await page.goto(url);
    await status(page, /Measuring 2/);
    await page.reload();
    await status(page, /Sent to your terminal/);

    const { end, devices: found, files } = await summary;
    expect(end).toBe('once');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ secureContext: true, crossOriginIsolated: true, automated: true });
    expect(found[0]?.name).toContain('Pixel 7');
    expect(events.filter((type) => type === 'joined')).toHaveLength(1);
    expect(events.filter((type) => type === 'resumed')).toHaveLength(1);
    // Each run once, though the page began twice.
    const names = found[0]!.runs.map((r) => `${r.variant}/${r.threads}`);
    expect(new Set(names).size).toBe(names.length);
    const float = found[0]!.runs.filter((r) => r.variant === 'float');
    expect(float.map((r) => r.threads)[0]).toBe(1);
    for (const { measured } of float) {
      expect(measured!.repetitions).toBeGreaterThanOrEqual(3);
      expect(measured!.medianMs).toBeGreaterThan(0);
      expect(measured!.p90Ms).toBeGreaterThanOrEqual(measured!.medianMs!);
    }
    for (const { measured, error } of found[0]!.runs.filter((r) => r.variant === 'broken')) {
      expect(measured).toBeNull();
      expect(error).toContain('not an ONNX model');
    }
    expect(found[0]!.left.map((l) => [l.variant, l.what])).toEqual([
      ['float', 'webgpu'],
      ['broken', 'webgpu'],
    ]);

    expect(files.map((file) => file.slice(bundle.folder.length + 1))).toEqual([
      'lab-results.json',
      'edgepress.json',
    ]);
    const read = (name: string): unknown => JSON.parse(readFileSync(join(bundle.folder, name), 'utf8'));
    expect(labResultsSchema.parse(read('lab-results.json')).devices).toEqual(found);
    const manifest = manifestSchema.parse(read('edgepress.json'));
    expect(manifest.variants[0]!.measured).toHaveLength(float.length);
    expect(manifest.variants[0]!.measured[0]).toMatchObject({
      provider: 'wasm',
      emulated: true,
      adapter: null,
    });
    expect(manifest.variants[1]!.measured).toEqual([]);

    expect(await page.locator('tbody tr').count()).toBe(float.length);
    expect(await page.locator('tbody tr.fastest').count()).toBeGreaterThan(0);
    expect(await page.locator('#runs .failed').count()).toBe(names.length - float.length);
    expect(await page.locator('#notes').textContent()).toContain('No WebGPU');
    for (const width of [320, 412, 800]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await overflow(page), `${width} pixels`).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
    await context.close();
    rmSync(bundle.folder, { recursive: true, force: true });
  });

  it('measures variants of LiteRT.js and TensorFlow.js too, and says what each ran on', async () => {
    const bundle = writeBundle({ others: true });
    const { url, summary, events } = await open(bundle);
    const { context, page, complaints } = await phone();
    await page.goto(url);
    await status(page, /Sent to your terminal/);
    const [device] = (await summary).devices;
    const threads = (name: string) => device!.runs.filter((r) => r.variant === name).map((r) => r.threads);
    expect(threads('litert')).toEqual(threads('float'));
    expect(threads('tfjs')).toEqual([1]);
    const turned = device!.runs.flatMap(({ variant, measured }) =>
      measured?.against ? [`${variant} against ${measured.against.variant}`] : [],
    );
    expect([...new Set(turned)].sort()).toEqual(['litert against float', 'tfjs against float']);
    expect(events.filter((type) => type === 'compared').length).toBe(threads('float').length);
    for (const { variant, threads, error, measured } of device!.runs) {
      expect(error).toBeNull();
      const simd = threads > 1 ? 'relaxed SIMD, threads' : 'relaxed SIMD';
      const names: Record<string, RegExp> = {
        float: /^onnxruntime-web \d/,
        litert: new RegExp(`^litertjs-core 2\\..* \\(${simd}\\)$`),
        tfjs: /^tfjs-backend-wasm \d/,
      };
      expect(measured!.runtime).toMatch(names[variant]!);
    }
    const { variants } = manifestSchema.parse(
      JSON.parse(readFileSync(join(bundle.folder, 'edgepress.json'), 'utf8')),
    );
    expect(variants.map((v) => v.measured[0]!.runtime.split(' ')[0])).toEqual([
      'onnxruntime-web',
      'litertjs-core',
      'tfjs-backend-wasm',
    ]);
    expect(complaints).toEqual([]);
    await context.close();
    rmSync(bundle.folder, { recursive: true, force: true });
  });

  it('says what is wrong with the link, over https too', async () => {
    const bundle = writeBundle();
    const { url, summary, stop } = await open(bundle, { https: true });
    const { context, page } = await phone();
    await page.goto(url.replace(/#.*/, '#wrong'));
    await status(page, /Not connected/);
    expect(await page.locator('#detail').textContent()).toContain('token');
    await page.goto(url.replace(/#.*/, ''));
    await page.reload();
    await status(page, /No token/);
    stop.abort();
    expect(await summary).toMatchObject({ end: 'interrupted', devices: [], files: [] });
    await context.close();
    rmSync(bundle.folder, { recursive: true, force: true });
  });
});

describe.each(['firefox', 'webkit'] as const)('%s', (kind) => {
  it.skipIf(!findBrowser(kind))('joins, measures and sends (skipped: not installed)', async () => {
    const bundle = writeBundle();
    const browser = await launchBrowser(kind, true);
    let tab: Promise<Tab> | undefined;
    const summary = await runLab({
      bundle: bundle.folder,
      ...{ port: 0, lan: false, https: false, idleMs: 120_000, once: true },
      onOpen: ({ urls }) => {
        tab = browser.open(urls[0]!);
      },
    });
    await (await tab)!.close();
    await browser.close();
    const [device] = summary.devices;
    expect(device!.host).toMatch(kind === 'firefox' ? /^Firefox \d/ : /^Safari \d/);
    expect(device).toMatchObject({ secureContext: true, crossOriginIsolated: true });
    const measured = device!.runs.map(({ provider, error }) => `${provider}: ${error ?? 'measured'}`);
    expect(measured).toContain('wasm: measured');
    rmSync(bundle.folder, { recursive: true, force: true });
  });
});
