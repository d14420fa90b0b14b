/** One variant on one provider: created, run, and watched for the loss of its GPU. */
import { messageOf } from './errors.ts';
import type { OrtModule } from './ort.ts';
import type { Candidate } from './select.ts';
import { type Feed, type ModelOutputs, toOutput } from './tensors.ts';

export interface OpenSession {
  /** As the runtime has them: it may have been started with another number before. */
  readonly threads: number;
  readonly version: string;
  /** Element types of the file's inputs, where onnxruntime tells. */
  inputType(name: string): string | undefined;
  run(feeds: Readonly<Record<string, Feed>>): Promise<ModelOutputs>;
  release(): Promise<void>;
}

/** The provider is at fault, not the inputs: another candidate may do better. */
export class ProviderFailure extends Error {}

/** GPU devices are onnxruntime's and serve all its sessions in a page; one that was lost stays lost. */
const lostGpus = new WeakMap<object, string>();

/** A graph that copies one float. Creating it makes onnxruntime fetch and compile its wasm file. */
// biome-ignore format: bytes
const smallestModel = new Uint8Array([
  8, 8, 66, 2, 16, 13, 58, 55, 10, 16, 10, 1, 120, 18, 1, 121, 34, 8, 73, 100, 101, 110, 116, 105, 116, 121, 18, 1,
  103, 90, 15, 10, 1, 120, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 1, 98, 15, 10, 1, 121, 18, 10, 10, 8, 8, 1, 18, 4,
  10, 2, 8, 1,
]);

/** Settings that count until the first session only. */
export function prepareOrt({ env }: OrtModule, threads: number, wasmPaths: string | undefined): void {
  if (wasmPaths !== undefined) env.wasm.wasmPaths = wasmPaths;
  env.wasm.numThreads ||= threads;
  env.wasm.proxy = false;
  env.logLevel = 'error';
}

/** Starts the runtime while the model is still on its way. Never fails: creating the session will tell. */
export async function warmUp(ort: OrtModule, { provider }: Candidate): Promise<void> {
  try {
    const session = await ort.InferenceSession.create(smallestModel, { executionProviders: [provider] });
    await session.release();
  } catch {}
}

/** @throws whatever onnxruntime throws; ProviderFailure when the GPU was lost before */
export async function openSession(
  ort: OrtModule,
  { variant, provider }: Candidate,
  parts: ReadonlyMap<string, Uint8Array>,
): Promise<OpenSession> {
  const { env } = ort;
  const gone = provider === 'webgpu' && lostGpus.get(env);
  if (gone) throw new ProviderFailure(gone);
  const model = variant.parts.find((part) => part.role === 'model')!;
  const externalData = variant.parts
    .filter((part) => part.role === 'data')
    .map(({ name }) => ({ path: name, data: parts.get(name)! }));
  const session = await ort.InferenceSession.create(parts.get(model.name)!, {
    executionProviders: [provider],
    extra: { ...variant.sessionConfig },
    ...(externalData.length > 0 ? { externalData } : {}),
  });
  let lost: string | undefined;
  let fail: ((error: Error) => void) | undefined;
  const watch = async () => {
    const device = (await env.webgpu.device) as GPUDevice | undefined;
    const info = await device?.lost;
    if (!info) return;
    lost = `the GPU device was lost (${info.reason}${info.message ? `: ${info.message}` : ''})`;
    lostGpus.set(env, lost);
    fail?.(new ProviderFailure(lost));
  };
  if (provider === 'webgpu') watch().catch(() => {});
  return {
    threads: provider === 'wasm' ? (env.wasm.numThreads ?? 1) : 1,
    version: env.versions?.web ?? env.versions?.common ?? '',
    inputType(name) {
      const found = session.inputMetadata?.find((input) => input.name === name);
      return found?.isTensor ? found.type : undefined;
    },
    run: (feeds) =>
      new Promise<ModelOutputs>((resolve, reject) => {
        if (lost) throw new ProviderFailure(lost);
        // The run may never end once the device is gone.
        fail = reject;
        runOnce(ort, session, feeds).then(
          (outputs) => (lost ? reject(new ProviderFailure(lost)) : resolve(outputs)),
          reject,
        );
      }).finally(() => {
        fail = undefined;
      }),
    async release() {
      // What remains of a lost device can't be freed properly.
      await session.release().catch(() => {});
    },
  };
}

async function runOnce(
  ort: OrtModule,
  session: Awaited<ReturnType<OrtModule['InferenceSession']['create']>>,
  feeds: Readonly<Record<string, Feed>>,
): Promise<ModelOutputs> {
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as 'float32', data as Float32Array, dims),
    ]),
  );
  const results = await session.run(tensors);
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, toOutput(tensor)]));
}

/** Whether a failed run may go better on another candidate, as inputs were checked. On a GPU any failure may be the GPU's, on wasm
 *  a crash or exhausted memory is. TensorFlow.js and LiteRT.js have fewer types and operators, LiteRT one size of the batch: whatever
 *  they refuse goes on, and where nothing is left, the model stays open for other inputs. */
export const isProviders = (error: unknown, { provider, variant }: Candidate, isLast: boolean) =>
  variant.format === 'tfjs' || variant.format === 'litert'
    ? !isLast
    : provider !== 'wasm' ||
      error instanceof ProviderFailure ||
      error instanceof WebAssembly.RuntimeError ||
      /out of memory|bad_alloc|aborted|unreachable/i.test(messageOf(error));
