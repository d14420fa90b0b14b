/** LiteRT.js: loaded when a variant that it runs is chosen and not before. */
import { openLiteRt } from '../support/litert.ts';
import { buildTitles, type LiteRt, startLiteRt } from '../support/litert-start.ts';
import { addressOf, missing, rethrow } from './foreign.ts';
import type { LoadOptions, Port } from './load.ts';
import type { Candidate } from './select.ts';
import type { OpenSession } from './session.ts';
import type { ModelOutputs } from './tensors.ts';

/** Loads LiteRT.js and starts it while the model is on its way.
 *  @returns what opens the model once it is there
 *  @throws PROVIDER_FAILED when it can't be loaded, and what its start throws: reasons for going on with another variant */
export async function prepare(
  { variant, provider, threads: wanted }: Candidate,
  outputs: readonly Port[],
  { litert: source, litertWasmPaths }: LoadOptions,
): Promise<(files: ReadonlyMap<string, Uint8Array>) => Promise<OpenSession>> {
  const folder = typeof source === 'string' ? addressOf(source) : undefined;
  const litert = typeof source === 'object' ? source : await loadLiteRt(folder);
  const paths = typeof litertWasmPaths === 'string' ? addressOf(litertWasmPaths) : litertWasmPaths;
  const started = await startLiteRt(litert, { threads: wanted, wasmPaths: paths ?? folder ?? {} });
  const { build, threads } = started;
  const version = `${litert.version ?? ''} (${buildTitles[build]})`;
  return async (files) => {
    const model = files.get(variant.parts.find((part) => part.role === 'model')!.name)!;
    const session = await openLiteRt(litert, started, model, provider as 'wasm' | 'webgpu', outputs);
    return {
      threads,
      version: version.trim(),
      inputType: () => undefined,
      run: async (feeds) => (await session.run(feeds as Parameters<typeof session.run>[0])) as ModelOutputs,
      release: async () => session.release(),
    };
  };
}

async function loadLiteRt(folder: string | undefined): Promise<LiteRt> {
  const url = folder && `${folder}litert.js`;
  try {
    if (url) return (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as LiteRt;
    // Taken apart, so that a bundler leaves the rest of the package out.
    const { Tensor, Environment, supportsFeature, loadLiteRt, getGlobalLiteRtPromise } = await import(
      '@litertjs/core'
    ).catch(rethrow);
    return { Tensor, Environment, supportsFeature, loadLiteRt, getGlobalLiteRtPromise } as unknown as LiteRt;
  } catch (cause) {
    throw missing(url ?? '@litertjs/core', cause);
  }
}
