/** The page's side of the worker: the same LoadedModel, with every call sent as a message. */
import { aborted, EdgepressError, messageOf, throwIfAborted } from './errors.ts';
import { locate } from './fetch.ts';
import { isImageData, isImageSource, requireSize } from './image-source.ts';
// A value of load.ts keeps the page's modules in one file, which compresses better.
import { disposed, type LoadedModel, type LoadOptions, type ModelInfo } from './load.ts';
import type { Answer, Request, WorkerOptions } from './messages.ts';
import { isOrtModule, ortUrl } from './ort.ts';
import type { OrtBundle } from './select.ts';
import type { ModelInput, ModelInputs } from './tensors.ts';

interface Waiting {
  resolve(answer: Extract<Answer, { kind: 'done' }>): void;
  reject(error: Error): void;
  readonly onProgress: LoadOptions['onProgress'];
}

/** Without the id, which the connection gives. */
type Sent =
  | Omit<Extract<Request, { kind: 'load' }>, 'id'>
  | Omit<Extract<Request, { kind: 'run' }>, 'id'>
  | { readonly kind: 'dispose' };

/** @throws WORKER_FAILED when the worker can't be started, and all that loading throws */
export async function loadInWorker(url: string | URL, options: LoadOptions): Promise<LoadedModel> {
  throwIfAborted(options.signal);
  const { manifestUrl } = locate(url);
  const passed = optionsFor(options);
  const worker = start(options.worker);
  const connection = connect(worker);
  const first = await connection
    .ask({ kind: 'load', url: manifestUrl.href, options: passed }, [], options.signal, options.onProgress)
    .catch((error: unknown) => {
      worker.terminate();
      throw error;
    });
  const manifest = first.manifest!;
  let disposal: Promise<void> | null = null;
  return {
    async run(inputs, { signal } = {}) {
      if (disposal) throw disposed();
      throwIfAborted(signal);
      const { sent, transfer } = await sendable(inputs);
      return (await connection.ask({ kind: 'run', inputs: sent }, transfer, signal)).outputs!;
    },
    get info() {
      return { ...connection.info()!, worker: true };
    },
    labels: manifest.labels,
    manifest,
    dispose() {
      disposal ??= connection.ask({ kind: 'dispose' }, []).then(
        () => worker.terminate(),
        () => worker.terminate(),
      );
      return disposal;
    },
  };
}

function start(option: LoadOptions['worker']): Worker {
  try {
    if (typeof option === 'function') return option();
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'edgepress' });
  } catch (cause) {
    throw new EdgepressError('WORKER_FAILED', `The worker can't be started: ${messageOf(cause)}`, cause);
  }
}

function connect(worker: Worker) {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let info: ModelInfo | null = null;
  worker.onmessage = ({ data: answer }: MessageEvent<Answer>) => {
    const request = waiting.get(answer.id);
    if (answer.kind === 'progress') return request?.onProgress?.(answer.progress);
    info = answer.info ?? info;
    waiting.delete(answer.id);
    if (answer.kind === 'done') request?.resolve(answer);
    else request?.reject(new EdgepressError(answer.failure.code, answer.failure.message));
  };
  worker.onerror = ({ message }) => {
    const error = new EdgepressError(
      'WORKER_FAILED',
      `The worker failed: ${message || 'its script did not load'}.`,
    );
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  return {
    info: () => info,
    ask(
      request: Sent,
      transfer: Transferable[],
      signal?: AbortSignal,
      onProgress?: LoadOptions['onProgress'],
    ) {
      const id = ++lastId;
      return new Promise<Extract<Answer, { kind: 'done' }>>((resolve, reject) => {
        const stop = () => {
          worker.postMessage({ id, kind: 'abort' } satisfies Request);
          reject(aborted());
        };
        const settled = () => signal?.removeEventListener('abort', stop);
        waiting.set(id, {
          onProgress,
          resolve(answer) {
            settled();
            resolve(answer);
          },
          reject(error) {
            settled();
            reject(error);
          },
        });
        signal?.addEventListener('abort', stop, { once: true });
        worker.postMessage({ ...request, id }, transfer);
      });
    },
  };
}

/** The worker sees neither the page's import map nor its base URL: addresses go along in full. */
function optionsFor(given: LoadOptions): WorkerOptions {
  const { ort, wasmPaths, tfjs, tfjsWasmPaths, litert, litertWasmPaths, ...options } = given;
  if (isOrtModule(ort) || typeof tfjs === 'object' || typeof litert === 'object')
    throw new EdgepressError(
      'OPTION_INVALID',
      'A worker needs `ort`, `tfjs` and `litert` as URLs: modules stay in their thread.',
    );
  const urls: Partial<Record<OrtBundle, string>> = {};
  for (const bundle of ['onnxruntime-web/wasm', 'onnxruntime-web/webgpu'] as const) {
    const url = ort === undefined ? mapped(bundle) : ortUrl(bundle, ort);
    if (url !== undefined) urls[bundle] = url;
  }
  const { onProgress: _progress, signal: _signal, worker: _worker, ...plain } = options;
  return {
    ...plain,
    ort: urls,
    ...(wasmPaths === undefined ? {} : { wasmPaths: inFull(wasmPaths) }),
    ...(tfjs === undefined ? {} : { tfjs: inFull(tfjs) }),
    ...(tfjsWasmPaths === undefined ? {} : { tfjsWasmPaths: allInFull(tfjsWasmPaths) }),
    ...(litert === undefined ? {} : { litert: inFull(litert) }),
    ...(litertWasmPaths === undefined ? {} : { litertWasmPaths: allInFull(litertWasmPaths) }),
  };
}

const inFull = (url: string) => new URL(url, document.baseURI).href;

const allInFull = (paths: NonNullable<LoadOptions['tfjsWasmPaths']>) =>
  typeof paths === 'string'
    ? inFull(paths)
    : Object.fromEntries(Object.entries(paths).map(([name, url]) => [name, inFull(url)]));

/** Address of a bare name in the page's import map; undefined without one, as in pages made by a bundler. */
function mapped(bundle: OrtBundle): string | undefined {
  try {
    return import.meta.resolve(bundle);
  } catch {
    return undefined;
  }
}

/** Pictures become ImageBitmaps, which move to the worker without a copy; arrays stay the app's, and are copied. */
async function sendable(inputs: ModelInputs): Promise<{ sent: ModelInputs; transfer: Transferable[] }> {
  const transfer: Transferable[] = [];
  const entries = Object.entries(inputs).map(async ([name, value]): Promise<[string, ModelInput]> => {
    if (!isImageSource(value)) return [name, plain(value)];
    requireSize(value);
    if (isImageData(value)) return [name, value];
    const bitmap = await createImageBitmap(value).catch((cause: unknown) => {
      throw new EdgepressError('INPUT_INVALID', `The picture can't be read: ${messageOf(cause)}`, cause);
    });
    transfer.push(bitmap);
    return [name, bitmap];
  });
  return { sent: Object.fromEntries(await Promise.all(entries)), transfer };
}

/** onnxruntime's tensors have methods and getters, which can't be cloned. */
function plain(value: ModelInput): ModelInput {
  if (typeof value !== 'object' || ArrayBuffer.isView(value) || Array.isArray(value) || !('dims' in value))
    return value;
  const { data, dims } = value as { data: never; dims: readonly number[] };
  return { data, dims };
}
