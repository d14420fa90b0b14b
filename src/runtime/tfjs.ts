/** TensorFlow.js: loaded when a variant that it runs is chosen and not before. */
import { openGraph, startTfjs, type Tfjs } from '../support/tfjs.ts';
import type { TypedNumbers } from '../support/typed-numbers.ts';
import { addressOf, missing, rethrow } from './foreign.ts';
import type { LoadOptions, Port } from './load.ts';
import type { Candidate } from './select.ts';
import type { OpenSession } from './session.ts';
import type { ModelOutputs } from './tensors.ts';

type Files = ReadonlyMap<string, Uint8Array>;

/** Loads TensorFlow.js and starts it while the model is on its way.
 *  @returns what opens the model once it is there
 *  @throws PROVIDER_FAILED when it can't be loaded, and what its start throws: reasons for going on with another variant */
export async function prepare(
  { variant, threads: wanted }: Candidate,
  outputs: readonly Port[],
  { tfjs: source, tfjsWasmPaths: wasmPaths }: LoadOptions,
): Promise<(files: Files) => Promise<OpenSession>> {
  const folder = typeof source === 'string' ? addressOf(source) : undefined;
  const tf = typeof source === 'object' ? source : await loadTfjs(folder);
  const threads = await startTfjs(tf, { threads: wanted, wasmPaths: wasmPaths ?? folder });
  return async (files) => {
    const json = variant.parts.find((part) => part.role === 'model')!.name;
    const graph = await openGraph(tf, files.get(json)!, (name) => files.get(name), outputs);
    return {
      threads,
      version: tf.version_core,
      inputType: () => undefined,
      run: async (feeds) => (await graph.run(feeds as Record<string, TypedNumbers>)) as ModelOutputs,
      release: async () => graph.release(),
    };
  };
}

/** @throws PROVIDER_FAILED when it can't be loaded */
async function loadTfjs(folder: string | undefined): Promise<Tfjs> {
  const url = folder && `${folder}tfjs.js`;
  try {
    if (url) return (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as Tfjs;
    // Taken apart, so that a bundler leaves the rest of the packages out.
    const [{ env, tensor, setBackend, version_core }, { loadGraphModel }, { setWasmPaths, setThreadsCount }] =
      await Promise.all([
        import('@tensorflow/tfjs-core').catch(rethrow),
        import('@tensorflow/tfjs-converter').catch(rethrow),
        import('@tensorflow/tfjs-backend-wasm').catch(rethrow),
      ]);
    const all = { env, tensor, setBackend, version_core, loadGraphModel, setWasmPaths, setThreadsCount };
    return all as unknown as Tfjs;
  } catch (cause) {
    throw missing(url ?? '@tensorflow/tfjs-core, -converter or -backend-wasm', cause);
  }
}
