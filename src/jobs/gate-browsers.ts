/** Browsers that a bundle's gate runs variants in: of those installed the first that has what the variant needs. Firefox has
 *  half floats on Mesa's software GPU, which Chromium's has not. */
import type { Stoppable } from '../compute/engine/run-context.ts';
import { type BrowserKind, findBrowser } from '../ship/profile/browsers.ts';
import { launchBrowser } from '../ship/profile/launch.ts';
import { browserTitles, type LaunchedBrowser } from '../ship/profile/launched-browser.ts';
import { Diagnostic } from '../support/diagnostics.ts';

export interface GateBrowsers {
  /** @returns what came of it in the first browser that can do it; why none can
   *  @throws what is not for want of a browser or of a GPU */
  tryIn<T>(
    provider: 'wasm' | 'webgpu',
    work: (browser: LaunchedBrowser) => Promise<T>,
  ): Promise<T | { readonly absent: string }>;
  close(): Promise<void>;
}

/** One of each engine. WebKitGTK has no WebGPU. */
const engines: Readonly<Record<'wasm' | 'webgpu', readonly (readonly BrowserKind[])[]>> = {
  wasm: [['chromium', 'chrome', 'edge'], ['firefox'], ['webkit']],
  webgpu: [['chromium', 'chrome', 'edge'], ['firefox']],
};

export function createGateBrowsers({ signal }: Stoppable): GateBrowsers {
  const open = new Map<BrowserKind, LaunchedBrowser>();
  const launched = async (kind: BrowserKind) => {
    const browser = open.get(kind) ?? (await launchBrowser(kind, true));
    open.set(kind, browser);
    return browser;
  };
  return {
    async tryIn(provider, work) {
      const reasons: string[] = [];
      for (const [i, kinds] of engines[provider].entries()) {
        const kind = kinds.find((k) => findBrowser(k));
        if (!kind) {
          reasons.push(`${browserTitles[kinds[0]!]} is not installed`);
          continue;
        }
        let lacking = unstarted;
        try {
          const browser = await launched(kind);
          lacking = i > 0 ? { ...unable, ...silent } : unable;
          return await work(browser);
        } catch (error) {
          signal?.throwIfAborted();
          if (!(error instanceof Diagnostic)) throw error;
          // A package that a page in a started browser lacks, every page lacks.
          if (error.code === 'ENGINE_MISSING' && lacking !== unstarted) return { absent: error.message };
          const reason = lacking[error.code];
          if (reason === undefined) throw error;
          reasons.push(`${browserTitles[kind]} ${reason}`);
        }
      }
      return { absent: reasons.join(', ') };
    },
    async close() {
      for (const browser of open.values()) await browser.close();
      open.clear();
    },
  };
}

type Reasons = Readonly<Record<string, string>>;

const unable: Reasons = {
  BROWSER_LAUNCH: 'does not start',
  SCREEN_MISSING: 'needs Xvfb',
  PAGE_WEBGPU: 'has no WebGPU here',
  PAGE_SHADER_F16: 'has no shader-f16 on the GPU here',
};

/** Before it has started. */
const unstarted: Reasons = { ...unable, ENGINE_MISSING: 'needs playwright-core, which is not installed' };

/** Of one that was only to help out. */
const silent: Reasons = {
  BROWSER_CRASHED: 'gave no answer',
  BROWSER_TIMEOUT: 'gave no answer in time',
};
