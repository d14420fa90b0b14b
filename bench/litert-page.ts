/** A page of Chromium in which LiteRT.js times models by turns. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { launchBrowser } from '../src/ship/profile/launch.ts';
import { packageFolder } from '../src/ship/profile/machine.ts';
import { type ServedFile, serve } from '../src/ship/profile/serve.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What a browser makes of WebAssembly's relaxed dot product of int8 (its second factor has 7 bits by the standard): 4·(−128·−1), or
 *  4·(−128·255) where the second is taken as unsigned, exactly or in sums of 16 bits that saturate. XNNPACK's fast int8 kernels need
 *  the first or the second; on x86 that is a processor with AVX-VNNI. Source: XNNPACK src/configs/hardware-config.c. */
export const dotProductProbe = `
async function dotProduct() {
  const splat = (byte) => [0xfd, 0x0c, ...Array(16).fill(byte)];
  const body = [0, ...splat(0x80), ...splat(0xff), ...splat(0), 0xfd, 0x93, 0x02, 0xfd, 0x1b, 0, 0x0b];
  const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0,
    0x0a, body.length + 2, 1, body.length, ...body];
  try {
    const { instance } = await WebAssembly.instantiate(Uint8Array.from(bytes));
    const found = instance.exports.f();
    return { 512: 'is signed (sdot)', '-130560': 'is mixed (usdot)', '-65536': 'saturates' }[found] ?? 'is ' + found;
  } catch { return 'is missing'; }
}
`;

const script = `
import * as core from '@litertjs/core';
import { openLiteRt } from '${join(root, 'src/support/litert.ts')}';
import { startLiteRt } from '${join(root, 'src/support/litert-start.ts')}';
${dotProductProbe}

let litert, begun;
window.start = async (relaxed) => {
  litert = relaxed ? core : { ...core, supportsFeature: async () => false };
  begun = await startLiteRt(litert, { threads: 1, wasmPaths: '/litert/' });
  return { build: begun.build, dot: await dotProduct() };
};
window.time = async (names, dims) => {
  const n = dims.reduce((a, b) => a * b, 1);
  const feeds = { x: { dtype: 'float32', dims, data: Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898) * 2) } };
  const sessions = {}, ms = {}, notes = {};
  for (const name of names) {
    try {
      const bytes = new Uint8Array(await (await fetch('/' + name, { cache: 'no-store' })).arrayBuffer());
      sessions[name] = await openLiteRt(litert, begun, bytes, 'wasm', [{ name: 'y', dtype: 'float32' }]);
      for (let i = 0; i < 3; i++) await sessions[name].run(feeds);
      ms[name] = Infinity;
    } catch (error) {
      delete sessions[name];
      notes[name] = String(error.message ?? error);
    }
  }
  // The clock of an isolated page has steps of 5 µs: a turn is long enough for them.
  const turn = async (session, runs) => {
    const start = performance.now();
    for (let i = 0; i < runs; i++) await session.run(feeds);
    return (performance.now() - start) / runs;
  };
  const runs = {};
  for (const [name, session] of Object.entries(sessions))
    runs[name] = Math.max(1, Math.ceil(4 / (await turn(session, 3))));
  const end = performance.now() + 1500;
  for (let i = 0; i < 10 || (performance.now() < end && i < 200); i++)
    for (const [name, session] of Object.entries(sessions))
      ms[name] = Math.min(ms[name], await turn(session, runs[name]));
  for (const session of Object.values(sessions)) session.release();
  return { ms, notes };
};
window.ready = true;
`;

interface Timing {
  /** Least milliseconds of a run, of the models that run. */
  readonly ms: Readonly<Record<string, number>>;
  /** Why others don't. */
  readonly notes: Readonly<Record<string, string>>;
}

interface Page {
  start(relaxed: boolean): Promise<{ build: string; dot: string }>;
  time(names: string[], dims: number[]): Promise<Timing>;
  readonly ready?: boolean;
}

/** @param relaxed  false: LiteRT takes its build for plain SIMD */
export async function openLitertPage(relaxed: boolean) {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: root, loader: 'js' },
    ...{
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'error',
    },
    external: ['node:*'],
  });
  const files = new Map<string, ServedFile>([
    [
      '/index.html',
      { bytes: '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>' },
    ],
    ['/page.js', { bytes: outputFiles[0]!.contents }],
  ]);
  const folders = { '/litert/': join(packageFolder('@litertjs/core')!, 'wasm') };
  const server = await serve({ files, folders, isolated: true });
  const browser = await launchBrowser('chromium');
  const close = async () => {
    await browser.close();
    await server.close();
  };
  try {
    const tab = await browser.browser!.newPage();
    await tab.goto(`${server.url}index.html`);
    await tab.waitForFunction(() => (window as unknown as Page).ready);
    const started = await tab.evaluate((r) => (window as unknown as Page).start(r), relaxed);
    return {
      ...started,
      close,
      /** Runs models of one input x and one output y by turns. */
      async time(models: ReadonlyMap<string, Uint8Array>, dims: readonly number[]): Promise<Timing> {
        for (const [name, bytes] of models) files.set(`/${name}`, { bytes });
        const given = { names: [...models.keys()], dims: [...dims] };
        return tab.evaluate(({ names, dims }) => (window as unknown as Page).time(names, dims), given);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
