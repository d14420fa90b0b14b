/** Starts an installed browser, without a window that anybody sees. Chromium and its kin are driven through playwright-core
 *  (launch-chromium.ts). Firefox and WebKit are driven by nothing: the page that they are started with answers its own server,
 *  which sees when it is gone (launch-spawned.ts). */
import { browserMissing } from '../../support/diagnostics/devices.ts';
import { type BrowserKind, browserVariable, debianPackages, findBrowser, findBrowsers } from './browsers.ts';
import { launchChromium } from './launch-chromium.ts';
import { launchFirefox, launchWebKit } from './launch-spawned.ts';
import type { LaunchedBrowser } from './launched-browser.ts';

/** @param webgpu  on the machine's GPU, or in software where it has none
 *  @throws BROWSER_MISSING (says what is installed), BROWSER_LAUNCH, ENGINE_MISSING without playwright-core */
export async function launchBrowser(kind: BrowserKind, webgpu = false): Promise<LaunchedBrowser> {
  const found = findBrowser(kind);
  if (!found) throw browserMissing(kind, findBrowsers(), browserVariable(kind), debianPackages(kind));
  if (kind === 'firefox') return launchFirefox(found.path);
  return kind === 'webkit' ? launchWebKit(found.path) : launchChromium(kind, found.path, webgpu);
}
