/** Firefox and WebKit: a browser process for each page, started with its address. They need no driver, as the page says itself what
 *  is to be known: WebDriver BiDi would cost a library of 57 MB (puppeteer-core), and playwright-core drives builds of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { browserCrashed, browserLaunch, screenMissing } from '../../support/diagnostics/devices.ts';
import { type BrowserKind, findProgram } from './browsers.ts';
import { browserTitles, type LaunchedBrowser, type Tab } from './launched-browser.ts';

/** @throws BROWSER_LAUNCH */
export async function launchFirefox(path: string): Promise<LaunchedBrowser> {
  const stdout = await versionOf('firefox', path, {});
  return {
    kind: 'firefox',
    title: stdout.replace(/^Mozilla /, ''),
    browser: null,
    open: async (url) => {
      const profile = await mkdtemp(join(tmpdir(), 'edgepress-browser-'));
      await writeFile(join(profile, 'user.js'), userPreferences);
      const tab = openTab('firefox', path, ['--headless', '--no-remote', '--profile', profile, url], {});
      return {
        ...tab,
        async close() {
          await tab.close();
          await rm(profile, { recursive: true, force: true, maxRetries: 5 });
        },
      };
    },
    close: async () => {},
  };
}

/** WebGPU also where Firefox has not released it (Linux), on Mesa's software GPU too; nothing fetched or shown at the start that the
 *  page would have to share the machine with. */
const userPreferences = Object.entries({
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'app.normandy.enabled': false,
  'app.update.auto': false,
  'browser.aboutwelcome.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'browser.search.update': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#',
  'toolkit.telemetry.enabled': false,
})
  .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
  .join('');

/** WebKitGTK's MiniBrowser, on a screen of its own that nobody sees (Xvfb), else on that of the desktop. Threads as in Safari: WebKitGTK
 *  keeps SharedArrayBuffer back unless told. @throws BROWSER_LAUNCH, SCREEN_MISSING */
export async function launchWebKit(path: string): Promise<LaunchedBrowser> {
  const screen = await openScreen();
  const env = { ...screen.env, JSC_useSharedArrayBuffer: '1' };
  const title = await versionOf('webkit', path, env).catch(async (error: unknown) => {
    await screen.close();
    throw error;
  });
  return {
    kind: 'webkit',
    title,
    browser: null,
    open: async (url) => openTab('webkit', path, ['--private', url], env),
    close: screen.close,
  };
}

interface Screen {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** @throws SCREEN_MISSING */
async function openScreen(): Promise<Screen> {
  const xvfb = findProgram('Xvfb');
  if (xvfb === null) {
    if (process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']) return { env: {}, close: async () => {} };
    throw screenMissing();
  }
  const args = ['-displayfd', '4', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'];
  const server = startBound(xvfb, args, {});
  const number = await new Promise<string>((resolve, reject) => {
    (server.child.stdio[4] as Readable).once('data', (told: Buffer) => resolve(told.toString().trim()));
    void server.ended.then((how) => reject(browserLaunch('Xvfb', xvfb, how)));
  });
  return { env: { DISPLAY: `:${number}`, GDK_BACKEND: 'x11' }, close: server.end };
}

async function versionOf(kind: BrowserKind, path: string, env: Screen['env']): Promise<string> {
  const options = { env: { ...process.env, ...env }, timeout: 60_000 };
  const { stdout } = await promisify(execFile)(path, ['--version'], options).catch((cause: unknown) => {
    throw browserLaunch(kind, path, cause);
  });
  return stdout.trim();
}

function openTab(kind: BrowserKind, path: string, args: readonly string[], env: Screen['env']): Tab {
  const { ended, end } = startBound(path, args, env);
  const failed = ended.then((how): never => {
    throw browserCrashed(browserTitles[kind], how);
  });
  failed.catch(() => {});
  return { failed, slowDown: async () => {}, close: end };
}

/** Waits for the program, and ends it when the pipe to this process breaks: nothing goes on after a process that was killed. */
const bound = '"$@" 3<&- & pid=$!; { cat <&3 >/dev/null; kill $pid 2>/dev/null; } & wait $pid';

interface BoundProcess {
  readonly child: ChildProcess;
  /** How it ended; never rejects. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

/** A program that ends with this process. What it says at 4 can be read. */
function startBound(path: string, args: readonly string[], env: Screen['env']): BoundProcess {
  const options = {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  } as const;
  const hasShell = existsSync('/bin/sh');
  const child = hasShell
    ? spawn('/bin/sh', ['-c', bound, 'sh', path, ...args], { ...options, stdio: [...options.stdio] })
    : spawn(path, args, { ...options, stdio: [...options.stdio] });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  return {
    child,
    ended,
    async end() {
      for (const pipe of [child.stdio[3], child.stdio[4]]) pipe?.destroy();
      if (!hasShell) child.kill();
      await ended;
    },
  };
}
