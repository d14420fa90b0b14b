/** TensorFlow.js in the measuring page, as an engine: its start taken apart as that of onnxruntime-web is. */
import type { ModelSource, Session } from '../../../compute/engine/contract.ts';
import type { DType } from '../../../model/ir/dtype.ts';
import { engineOpen, engineRun } from '../../../support/diagnostics/engines.ts';
import { messageOf } from '../../../support/diagnostics.ts';
import { openGraph, startTfjs, type Tfjs } from '../../../support/tfjs.ts';
import type { Output, PageModel } from './messages.ts';
import { fetchAll, numbersOf, type OtherEngine, tensorsFrom } from './other-engine.ts';

/** Names of the files that a page loads: the script, and the backend for one thread or more. */
const wasmFile = (threads: number) => `tfjs-backend-wasm-${threads > 1 ? 'threaded-simd' : 'simd'}.wasm`;

/** Script and backend wait in the HTTP cache.
 *  @returns what starts it @throws Error when the backend does not start */
export async function fetchTfjs(
  { url, outputs }: NonNullable<PageModel['other']>,
  threads: number,
): Promise<() => Promise<OtherEngine>> {
  const base = new URL(url, location.href).href;
  const script = `${base}tfjs.js`;
  await fetchAll([script, base + wasmFile(threads)]);
  return async () => {
    const begin = performance.now();
    const tf = (await import(script)) as Tfjs;
    await startTfjs(tf, { threads, wasmPaths: base });
    const compileMs = performance.now() - begin;
    const title = `tfjs-backend-wasm ${tf.version_core}`;
    const open = (model: ModelSource) => openSession(tf, title, model, outputs);
    return { engine: { name: 'wasm', version: tf.version_core, open }, title, compileMs };
  };
}

/** @throws ENGINE_OPEN */
async function openSession(
  tf: Tfjs,
  title: string,
  model: ModelSource,
  outputs: readonly Output[],
): Promise<Session> {
  if (!('bytes' in model)) throw engineOpen(title, 'it takes the bytes of a model, not a path.');
  const graph = await openGraph(tf, model.bytes, (name) => model.externalData?.get(name), outputs).catch(
    (error: unknown) => {
      throw engineOpen(title, messageOf(error), 'unsupported', undefined, error);
    },
  );
  return {
    inputs: [],
    outputs: outputs.map(({ name, dtype }) => ({ name, dtype: dtype as DType, shape: null })),
    async run(feeds) {
      const made = await graph.run(numbersOf(feeds)).catch((error: unknown) => {
        throw engineRun(title, messageOf(error), 'unsupported', undefined, error);
      });
      return tensorsFrom(made);
    },
    close: async () => graph.release(),
  };
}
