/** Chromium and its kin without a window, through playwright-core. */
import { existsSync } from 'node:fs';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { browserCrashed, browserLaunch } from '../../support/diagnostics/devices.ts';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { messageOf } from '../../support/diagnostics.ts';
import type { BrowserKind } from './browsers.ts';
import { browserTitles, type LaunchedBrowser, type Tab } from './launched-browser.ts';
import { type PresetName, presets } from './presets.ts';
import { serve } from './serve.ts';

const quietFlags = [
  '--no-sandbox',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  // A tab in the background, as all of these are, must not be slowed down.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // performance.measureUserAgentSpecificMemory answers now, not at the next garbage collection.
  '--enable-blink-features=ForceEagerMeasureMemory',
];

const webgpuFlags = ['--enable-unsafe-webgpu', '--enable-features=Vulkan'];
const softwareGpu = '--use-webgpu-adapter=swiftshader';

/** @param software  WebGPU by SwiftShader, in software, whatever GPU there is */
export const chromiumFlags = (webgpu: boolean, software = !mayHaveGpu()): string[] => [
  '--headless=new',
  ...quietFlags,
  ...(webgpu ? [...webgpuFlags, ...(software ? [softwareGpu] : [])] : ['--disable-gpu']),
];

/** Linux shows its GPUs as device files; elsewhere there is one as a rule. */
const mayHaveGpu = () =>
  process.platform !== 'linux' || ['/dev/dri', '/dev/nvidiactl', '/dev/kfd'].some((path) => existsSync(path));

/** @param webgpu  on the machine's GPU, or on SwiftShader (software) where it has none
 *  @throws BROWSER_LAUNCH, ENGINE_MISSING without playwright-core */
export async function launchChromium(
  kind: BrowserKind,
  path: string,
  webgpu: boolean,
): Promise<LaunchedBrowser> {
  const { chromium } = await import('playwright-core').catch((cause: unknown) => {
    throw engineMissing('A browser', 'playwright-core', 'is not installed', cause);
  });
  const start = (args: string[]) =>
    chromium.launch({ executablePath: path, args }).catch((cause: unknown) => {
      throw browserLaunch(kind, path, cause);
    });
  let browser = await start(chromiumFlags(webgpu));
  if (webgpu && mayHaveGpu() && !(await offersAdapter(browser))) {
    await browser.close();
    browser = await start(chromiumFlags(webgpu, true));
  }
  return {
    kind,
    title: `${browserTitles[kind]} ${browser.version()}`,
    browser,
    open: (url, preset) => openTab(browser, kind, url, preset),
    close: () => browser.close(),
  };
}

/** Whether the browser gets along with the GPU, asked in a page, as WebGPU wants a secure context. */
async function offersAdapter(browser: Browser): Promise<boolean> {
  const server = await serve({ files: new Map([['/index.html', { bytes: '' }]]) });
  const page = await browser.newPage();
  try {
    await page.goto(`${server.url}index.html`);
    return await page.evaluate(async () => {
      const { gpu } = navigator as unknown as { gpu?: { requestAdapter(): Promise<unknown> } };
      return Boolean(await gpu?.requestAdapter());
    });
  } finally {
    await page.close();
    await server.close();
  }
}

async function openTab(browser: Browser, kind: BrowserKind, url: string, preset?: PresetName): Promise<Tab> {
  const context = await phoneContext(browser, preset);
  const page = await context.newPage();
  const failed = new Promise<never>((_, reject) => {
    page.once('crash', () => reject(browserCrashed(browserTitles[kind], 'its page crashed')));
    page.once('close', () => reject(browserCrashed(browserTitles[kind], 'its page was closed')));
    page.once('pageerror', (error) => reject(browserCrashed(browserTitles[kind], error.message)));
  });
  failed.catch(() => {});
  await page.goto(url, { timeout: 60_000 }).catch(async (cause: unknown) => {
    await context.close();
    throw browserCrashed(browserTitles[kind], messageOf(cause).split('\n')[0]!);
  });
  return {
    failed,
    slowDown: async () => {
      if (preset) await slowDown(context, page, preset);
    },
    close: () => context.close(),
  };
}

/** A context that looks like the phone; its slowness is set per page, see `slowDown`. */
export function phoneContext(browser: Browser, preset?: PresetName): Promise<BrowserContext> {
  if (!preset) return browser.newContext();
  const { viewport, pixelRatio } = presets[preset];
  return browser.newContext({ viewport, deviceScaleFactor: pixelRatio, isMobile: true, hasTouch: true });
}

/** Slows the page's main thread and its network. Workers, so also wasm threads, and the GPU stay as fast as they are. */
export async function slowDown(context: BrowserContext, page: Page, preset: PresetName): Promise<void> {
  const { cpuSlowdown, network } = presets[preset];
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: network.latencyMs,
    downloadThroughput: network.downBytesPerSecond,
    uploadThroughput: network.upBytesPerSecond,
  });
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpuSlowdown });
}
