/** Browsers of this machine: found where they are usually installed, never downloaded. */
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export const browserKinds = ['chromium', 'chrome', 'edge', 'firefox'] as const;
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
};

const linux: Readonly<Record<BrowserKind, readonly string[]>> = {
  chromium: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/snap/bin/chromium'],
  chrome: ['/usr/bin/google-chrome', '/opt/google/chrome/chrome'],
  edge: ['/usr/bin/microsoft-edge', '/opt/microsoft/msedge/msedge'],
  firefox: ['/usr/bin/firefox', '/usr/bin/firefox-esr', '/snap/bin/firefox'],
};

const mac: Readonly<Record<BrowserKind, string>> = {
  chromium: 'Chromium.app/Contents/MacOS/Chromium',
  chrome: 'Google Chrome.app/Contents/MacOS/Google Chrome',
  edge: 'Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  firefox: 'Firefox.app/Contents/MacOS/firefox',
};

const windows: Readonly<Record<BrowserKind, string>> = {
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
  if (platform === 'darwin')
    return [...first, join('/Applications', mac[kind]), join(homedir(), 'Applications', mac[kind])];
  if (platform === 'win32') {
    const roots = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']];
    return [...first, ...roots.flatMap((root) => (root ? [join(root, windows[kind])] : []))];
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return [
    ...first,
    ...linux[kind],
    ...onPath.flatMap((folder) => commands[kind].map((c) => join(folder, c))),
  ];
}

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
