/** TensorFlow.js in the measuring page, as an engine: its start taken apart as that of onnxruntime-web is. */
import type { Engine, ModelSource, Session } from '../../../compute/engine/contract.ts';
import { type DType, isFloat } from '../../../model/ir/dtype.ts';
import { float32Values, type Tensor, tensorOf, typedArray } from '../../../model/ir/tensor.ts';
import { noThreads } from '../../../support/diagnostics/devices.ts';
import { engineOpen, engineRun } from '../../../support/diagnostics/engines.ts';
import { messageOf } from '../../../support/diagnostics.ts';
import { openGraph, startTfjs, type Tfjs } from '../../../support/tfjs.ts';
import type { TypedNumbers } from '../../../support/typed-numbers.ts';
import type { Output, PageTask } from './messages.ts';

type TfjsTask = NonNullable<PageTask['tfjs']>;

/** Names of the files that a page loads: the script, and the backend for one thread or more. */
const wasmFile = (threads: number) => `tfjs-backend-wasm-${threads > 1 ? 'threaded-simd' : 'simd'}.wasm`;

/** Script and backend wait in the HTTP cache. */
export async function fetchTfjs({ url }: TfjsTask, threads: number): Promise<void> {
  const names = ['tfjs.js', wasmFile(threads)];
  await Promise.all(
    names.map(async (name) => {
      const response = await fetch(new URL(name, new URL(url, location.href)));
      if (!response.ok) throw new Error(`${name} was answered with status ${response.status}.`);
      await response.arrayBuffer();
    }),
  );
}

/** @throws PAGE_THREADS without isolation, Error when the backend does not start */
export async function openTfjsEngine(
  { url, outputs }: TfjsTask,
  threads: number,
): Promise<{ readonly engine: Engine; readonly title: string; readonly compileMs: number }> {
  if (threads > 1 && !globalThis.crossOriginIsolated) throw noThreads();
  const begin = performance.now();
  const base = new URL(url, location.href).href;
  const script = `${base}tfjs.js`;
  const tf = (await import(script)) as Tfjs;
  await startTfjs(tf, { threads, wasmPaths: base });
  const compileMs = performance.now() - begin;
  const title = `tfjs-backend-wasm ${tf.version_core}`;
  const open = (model: ModelSource) => openSession(tf, title, model, outputs);
  return { engine: { name: 'wasm', version: tf.version_core, open }, title, compileMs };
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
      const fed = Object.entries(feeds).map(([name, t]) => [name, toNumbers(t)]);
      const made = await graph.run(Object.fromEntries(fed)).catch((error: unknown) => {
        throw engineRun(title, messageOf(error), 'unsupported', undefined, error);
      });
      return Object.fromEntries(Object.entries(made).map(([name, numbers]) => [name, toTensor(numbers)]));
    },
    close: async () => graph.release(),
  };
}

const toNumbers = (t: Tensor): TypedNumbers => ({
  type: t.dtype,
  dims: t.dims,
  data: isFloat(t.dtype) ? float32Values(t) : typedArray(t),
});

const toTensor = ({ type, dims, data }: TypedNumbers): Tensor => tensorOf(type as DType, dims, data);
