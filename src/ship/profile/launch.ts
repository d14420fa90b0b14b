/** Starts an installed browser without a window. Chromium and its kin are driven through playwright-core; Firefox,
 *  which that drives only in a build of its own, is started with the address as its argument. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { browserCrashed, browserLaunch, browserMissing } from '../../support/diagnostics/devices.ts';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { messageOf } from '../../support/diagnostics.ts';
import { type BrowserKind, browserVariable, findBrowser, findBrowsers } from './browsers.ts';
import { type PresetName, presets } from './presets.ts';
import { serve } from './serve.ts';

export interface LaunchedBrowser {
  readonly kind: BrowserKind;
  /** "Chromium 140.0.7339.127" */
  readonly title: string;
  /** playwright-core's browser; null for Firefox. */
  readonly browser: Browser | null;
  /** A new profile, nothing cached. @param preset  emulated phone: Chromium and its kin only */
  open(url: string, preset?: PresetName): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  /** Makes the page and its network as slow as the preset says; nothing without one. */
  slowDown(): Promise<void>;
  /** Rejects with BROWSER_CRASHED when the page ends by itself; never fulfils. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** @param webgpu  on the machine's GPU, or on SwiftShader (software) where it has none
 *  @throws BROWSER_MISSING (says what is installed), BROWSER_LAUNCH, ENGINE_MISSING without playwright-core */
export async function launchBrowser(kind: BrowserKind, webgpu = false): Promise<LaunchedBrowser> {
  const found = findBrowser(kind);
  if (!found) throw browserMissing(kind, findBrowsers(), browserVariable(kind));
  return kind === 'firefox' ? launchFirefox(found.path) : launchChromium(kind, found.path, webgpu);
}

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

async function launchChromium(kind: BrowserKind, path: string, webgpu: boolean): Promise<LaunchedBrowser> {
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
    title: `${titles[kind]} ${browser.version()}`,
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

const titles: Readonly<Record<BrowserKind, string>> = {
  chromium: 'Chromium',
  chrome: 'Chrome',
  edge: 'Edge',
  firefox: 'Firefox',
};

async function openTab(browser: Browser, kind: BrowserKind, url: string, preset?: PresetName): Promise<Tab> {
  const context = await phoneContext(browser, preset);
  const page = await context.newPage();
  const failed = new Promise<never>((_, reject) => {
    page.once('crash', () => reject(browserCrashed(titles[kind], 'its page crashed')));
    page.once('close', () => reject(browserCrashed(titles[kind], 'its page was closed')));
    page.once('pageerror', (error) => reject(browserCrashed(titles[kind], error.message)));
  });
  failed.catch(() => {});
  await page.goto(url, { timeout: 60_000 }).catch(async (cause: unknown) => {
    await context.close();
    throw browserCrashed(titles[kind], messageOf(cause).split('\n')[0]!);
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

async function launchFirefox(path: string): Promise<LaunchedBrowser> {
  const { stdout } = await promisify(execFile)(path, ['--version']).catch((cause: unknown) => {
    throw browserLaunch('firefox', path, cause);
  });
  return {
    kind: 'firefox',
    title: stdout.trim().replace(/^Mozilla /, ''),
    browser: null,
    open: (url) =>
      spawnTab(path, 'firefox', (profile) => ['--headless', '--no-remote', '--profile', profile, url]),
    close: async () => {},
  };
}

/** A browser process of its own for one page, with a new profile that is removed with it. */
async function spawnTab(path: string, kind: BrowserKind, args: (profile: string) => string[]): Promise<Tab> {
  const profile = await mkdtemp(join(tmpdir(), 'edgepress-browser-'));
  const child = spawn(path, args(profile), { stdio: 'ignore' });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  const failed = ended.then((how): never => {
    throw browserCrashed(titles[kind], how);
  });
  failed.catch(() => {});
  return {
    failed,
    slowDown: async () => {},
    async close() {
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
