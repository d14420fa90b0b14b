/** The module worker of loadModel(…, { worker: true }): one model, driven by messages. */
import { loadHere } from './load.ts';
import { type Answer, type Request, toFailure } from './messages.ts';

interface Port {
  readonly name: string;
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(answer: Answer, transfer: Transferable[]): void;
}

const port = globalThis as unknown as Port;
const stops = new Map<number, AbortController>();
let model: Awaited<ReturnType<typeof loadHere>> | null = null;

async function receive(request: Request): Promise<void> {
  const { id, kind } = request;
  if (kind === 'abort') return stops.get(id)?.abort();
  const stop = new AbortController();
  stops.set(id, stop);
  try {
    const { answer, transfer } = await serve(request, stop.signal);
    port.postMessage(answer, transfer);
  } catch (error) {
    port.postMessage({ id, kind: 'failed', info: model?.info ?? null, failure: toFailure(error) }, []);
  } finally {
    stops.delete(id);
  }
}

async function serve(
  request: Exclude<Request, { kind: 'abort' }>,
  signal: AbortSignal,
): Promise<{ answer: Answer; transfer: Transferable[] }> {
  const { id } = request;
  if (request.kind === 'load') {
    model = await loadHere(request.url, {
      ...request.options,
      signal,
      onProgress: (progress) => port.postMessage({ id, kind: 'progress', progress }, []),
    });
    return { answer: { id, kind: 'done', info: model.info, manifest: model.manifest }, transfer: [] };
  }
  if (request.kind === 'dispose') {
    await model?.dispose();
    return { answer: { id, kind: 'done', info: null }, transfer: [] };
  }
  try {
    const outputs = await model!.run(request.inputs, { signal });
    const buffers = Object.values(outputs).flatMap(({ data }) => ('buffer' in data ? [data.buffer] : []));
    const transfer = [...new Set(buffers)].filter((b): b is ArrayBuffer => b instanceof ArrayBuffer);
    return { answer: { id, kind: 'done', info: model!.info, outputs }, transfer };
  } finally {
    for (const input of Object.values(request.inputs))
      if (typeof ImageBitmap === 'function' && input instanceof ImageBitmap) input.close();
  }
}

// A bundler that makes one script of the worker and onnxruntime-web (Vite does unless worker.format is 'es') has
// wasm threads start from this script too; they need onnxruntime-web and nothing of ours.
if (port.name.startsWith('em-pthread')) void import('onnxruntime-web/wasm');
else port.onmessage = ({ data }) => void receive(data);
