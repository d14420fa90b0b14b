/** TensorFlow.js: loaded when a variant that it runs is chosen and not before. */
import { openGraph, startTfjs, type Tfjs, type TfjsStart } from '../support/tfjs.ts';
import { EdgepressError, messageOf } from './errors.ts';
import type { Port, TfjsSource } from './load.ts';
import type { Candidate } from './select.ts';
import type { OpenSession } from './session.ts';
import type { ModelOutputs } from './tensors.ts';

type Files = ReadonlyMap<string, Uint8Array>;

/** Loads TensorFlow.js and starts it while the model is on its way.
 *  @returns what opens the model once it is there
 *  @throws PROVIDER_FAILED when it can't be loaded, and what its start throws: reasons for going on with another variant */
export async function prepareTfjs(
  { variant, threads: wanted }: Candidate,
  outputs: readonly Port[],
  source: TfjsSource | undefined,
  wasmPaths: TfjsStart['wasmPaths'],
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
      run: async (feeds) => (await graph.run(feeds)) as ModelOutputs,
      release: async () => graph.release(),
    };
  };
}

/** The folder with a slash at its end, in full. */
function addressOf(folder: string): string {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  return new URL(folder.endsWith('/') ? folder : `${folder}/`, page).href;
}

const rethrow = (error: unknown): never => {
  throw error;
};

/** The packages are optional. An import of one that is missing does not break a build in webpack where it stands in a
 *  `try`, in esbuild where its promise has a `catch`, in Vite where package.json calls it optional.
 *  @throws PROVIDER_FAILED when it can't be loaded */
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
    const what = url ?? '@tensorflow/tfjs-core, -converter or -backend-wasm';
    throw new EdgepressError('PROVIDER_FAILED', `${what} can't be loaded: ${messageOf(cause)}`, cause);
  }
}
