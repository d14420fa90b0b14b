/** Browsers of this machine: found where they are usually installed, never downloaded. */
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export const browserKinds = ['chromium', 'chrome', 'edge', 'firefox', 'webkit'] as const;
export type BrowserKind = (typeof browserKinds)[number];

export const isBrowser = (name: string): name is BrowserKind =>
  (browserKinds as readonly string[]).includes(name);

/** An environment variable names a browser that is installed elsewhere: EDGEPRESS_CHROMIUM, EDGEPRESS_FIREFOX … */
export const browserVariable = (kind: BrowserKind) => `EDGEPRESS_${kind.toUpperCase()}`;

const commands: Readonly<Record<BrowserKind, readonly string[]>> = {
  chromium: ['chromium', 'chromium-browser'],
  chrome: ['google-chrome', 'google-chrome-stable'],
  edge: ['microsoft-edge', 'microsoft-edge-stable'],
  firefox: ['firefox', 'firefox-esr'],
  webkit: [],
};

/** WebKitGTK has its browser beside its libraries: /usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser. */
const miniBrowsers = ['webkitgtk-6.0', 'webkit2gtk-4.1', 'webkit2gtk-4.0'].flatMap((library) =>
  [`/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`, '/usr/libexec', '/usr/lib'].map(
    (folder) => `${folder}/${library}/MiniBrowser`,
  ),
);

const linux: Readonly<Record<BrowserKind, readonly string[]>> = {
  chromium: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/snap/bin/chromium'],
  chrome: ['/usr/bin/google-chrome', '/opt/google/chrome/chrome'],
  edge: ['/usr/bin/microsoft-edge', '/opt/microsoft/msedge/msedge'],
  firefox: ['/usr/bin/firefox', '/usr/bin/firefox-esr', '/snap/bin/firefox'],
  webkit: miniBrowsers,
};

/** Safari starts under somebody's eyes only. */
const mac: Readonly<Partial<Record<BrowserKind, string>>> = {
  chromium: 'Chromium.app/Contents/MacOS/Chromium',
  chrome: 'Google Chrome.app/Contents/MacOS/Google Chrome',
  edge: 'Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  firefox: 'Firefox.app/Contents/MacOS/firefox',
};

const windows: Readonly<Partial<Record<BrowserKind, string>>> = {
  chromium: 'Chromium\\Application\\chrome.exe',
  chrome: 'Google\\Chrome\\Application\\chrome.exe',
  edge: 'Microsoft\\Edge\\Application\\msedge.exe',
  firefox: 'Mozilla Firefox\\firefox.exe',
};

interface FoundBrowser {
  readonly kind: BrowserKind;
  readonly path: string;
}

/** Paths that are looked at, in order. */
export function candidatePaths(
  kind: BrowserKind,
  platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): string[] {
  const named = env[browserVariable(kind)];
  const first = named ? [named] : [];
  if (platform === 'darwin' || platform === 'win32') {
    const usual = platform === 'darwin' ? mac[kind] : windows[kind];
    const roots =
      platform === 'darwin'
        ? ['/Applications', join(homedir(), 'Applications')]
        : [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']];
    return [...first, ...roots.flatMap((root) => (root && usual ? [join(root, usual)] : []))];
  }
  return [...first, ...linux[kind], ...commands[kind].flatMap((command) => onPath(command, env))];
}

const onPath = (command: string, env: NodeJS.ProcessEnv) =>
  (env['PATH'] ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, command));

/** @returns its path; null where it is not installed */
export const findProgram = (command: string): string | null =>
  onPath(command, process.env).find(isExecutable) ?? null;

const packages: Readonly<Partial<Record<BrowserKind, string>>> = {
  chromium: 'chromium',
  firefox: 'firefox-esr',
  webkit: 'webkit2gtk-driver xvfb',
};

/** What Debian calls the packages to install; null where it has none, and on other systems. */
export const debianPackages = (kind: BrowserKind): string | null =>
  process.platform === 'linux' ? (packages[kind] ?? null) : null;

export function findBrowser(kind: BrowserKind): FoundBrowser | null {
  const path = candidatePaths(kind).find(isExecutable);
  return path === undefined ? null : { kind, path };
}

export const findBrowsers = (): FoundBrowser[] => browserKinds.flatMap((kind) => findBrowser(kind) ?? []);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path);
  } catch {
    return false;
  }
}
