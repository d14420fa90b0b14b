/** A browser that was started, and a page in it. */
import type { Browser } from 'playwright-core';
import type { BrowserKind } from './browsers.ts';
import type { PresetName } from './presets.ts';

export interface LaunchedBrowser {
  readonly kind: BrowserKind;
  /** "Chromium 140.0.7339.127" */
  readonly title: string;
  /** playwright-core's browser; null for Firefox and WebKit. */
  readonly browser: Browser | null;
  /** A new profile, nothing cached. @param preset  emulated phone: Chromium and its kin only */
  open(url: string, preset?: PresetName): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  /** Makes the page and its network as slow as the preset says; nothing without one. */
  slowDown(): Promise<void>;
  /** Rejects with BROWSER_CRASHED when the page ends by itself, as far as the browser tells; never fulfils. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

export const browserTitles: Readonly<Record<BrowserKind, string>> = {
  chromium: 'Chromium',
  chrome: 'Chrome',
  edge: 'Edge',
  firefox: 'Firefox',
  webkit: 'WebKit',
};
