/** The wasm engine: onnxruntime-web, in a page and in Node. What a model does here is what it does for web users. */
import { engineMissing, engineThreads } from '../../support/diagnostics/engines.ts';
import { createEngine, type Runtime } from './adapter.ts';
import type { Engine } from './contract.ts';

/** In pages: the build without WebGPU, whose wasm file is half the size and computes the same on the CPU. */
const loadInPage = (): Promise<Runtime> => import('onnxruntime-web/wasm');

/** One thread unless the first session asks for more; runs in the calling thread (no proxy worker).
 *  @param loadRuntime  Node passes its own build of the same wasm file, as the page's can't start threads there
 *  @throws ENGINE_MISSING */
export async function openWasmEngine(loadRuntime = loadInPage): Promise<Engine> {
  const runtime = await load(loadRuntime);
  const version = runtime.env.versions.web ?? runtime.env.versions.common;
  return createEngine({
    name: 'wasm',
    title: `onnxruntime-web ${version} (wasm)`,
    version,
    runtime,
    provider: 'wasm',
    prepare({ threads }) {
      // The first session starts the runtime's threads; none can be added later, so this setting is also the record.
      const { wasm } = runtime.env;
      if (threads && wasm.numThreads && threads !== wasm.numThreads)
        throw engineThreads(wasm.numThreads, threads);
      wasm.numThreads ||= threads || 1;
      wasm.proxy = false;
      runtime.env.logLevel = 'fatal';
    },
  });
}

async function load(loadRuntime: () => Promise<Runtime>): Promise<Runtime> {
  try {
    return await loadRuntime();
  } catch (error) {
    throw engineMissing('The wasm engine', 'onnxruntime-web', 'is not installed or does not load', error);
  }
}
