/** onnxruntime-web in the measuring page, with its start taken apart: fetch, then compile. */
import { createEngine, type Runtime } from '../../../compute/engine/adapter.ts';
import type { Engine } from '../../../compute/engine/contract.ts';
import { buildKernel, openKernel } from '../../../compute/engine/kernel.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import { noFloat16, noGpu, noThreads } from '../../../support/diagnostics/devices.ts';
import { type AdapterInfo, adapterName } from '../../../support/gpu-adapter.ts';
import { fetchLiteRt } from './litert.ts';
import type { PageEnvironment, PageProvider, PageTask } from './messages.ts';
import { fetchTfjs } from './tfjs.ts';

/** The builds that a page loads for each provider; see runtime-sizes.ts. */
const builds: Readonly<Record<PageProvider, { readonly script: string; readonly wasm: string }>> = {
  wasm: { script: 'ort.wasm.bundle.min.mjs', wasm: 'ort-wasm-simd-threaded.wasm' },
  webgpu: { script: 'ort.webgpu.bundle.min.mjs', wasm: 'ort-wasm-simd-threaded.asyncify.wasm' },
};

interface PageEngine {
  readonly engine: Engine;
  readonly environment: PageEnvironment;
  readonly compileMs: number;
}

/** Fetched, not started: the script waits in the HTTP cache. */
interface RuntimeFiles {
  readonly base: URL;
  readonly script: URL;
  readonly wasmBinary: ArrayBuffer;
}

/** @returns what opens an engine: the files are there, nothing was started */
export async function fetchEngine(
  task: Pick<PageTask, 'provider' | 'threads' | 'shaderF16' | 'runtimeUrl' | 'other'>,
): Promise<() => Promise<PageEngine>> {
  const { other, threads, provider } = task;
  if (other) {
    const open =
      other.runtime === 'tfjs'
        ? await fetchTfjs(other, threads)
        : await fetchLiteRt(other, { threads, provider });
    return async () => {
      if (threads > 1 && !hasThreads()) throw noThreads();
      const adapter = provider === 'webgpu' ? await adapterFor(false) : null;
      const { engine, title, compileMs } = await open();
      return { engine, compileMs, environment: environment(title, adapter, threads) };
    };
  }
  const files = await fetchRuntime(task);
  return () => openPageEngine(task, files);
}

async function fetchRuntime({
  provider,
  runtimeUrl,
}: Pick<PageTask, 'provider' | 'runtimeUrl'>): Promise<RuntimeFiles> {
  const base = new URL(runtimeUrl, location.href);
  const script = new URL(builds[provider].script, base);
  const [wasmBinary] = await Promise.all([fetched(new URL(builds[provider].wasm, base)), fetched(script)]);
  return { base, script, wasmBinary };
}

/** @throws PAGE_WEBGPU without an adapter, PAGE_SHADER_F16, PAGE_THREADS without isolation, what the runtime throws */
async function openPageEngine(
  { provider, threads, shaderF16 }: Pick<PageTask, 'provider' | 'threads' | 'shaderF16'>,
  { base, script, wasmBinary }: RuntimeFiles,
): Promise<PageEngine> {
  if (threads > 1 && !hasThreads()) throw noThreads();
  const adapter = provider === 'webgpu' ? await adapterFor(shaderF16 === true) : null;
  const begin = performance.now();
  const url: string = script.href;
  const runtime = (await import(url)) as Runtime;
  Object.assign(runtime.env.wasm, { numThreads: threads, proxy: false, wasmBinary, wasmPaths: base.href });
  runtime.env.logLevel = 'fatal';
  const version = runtime.env.versions.web ?? runtime.env.versions.common;
  const title = `onnxruntime-web ${version}`;
  const engine = createEngine({ name: 'wasm', title: `${title} (${provider})`, version, runtime, provider });
  await wake(engine);
  const compileMs = performance.now() - begin;
  return { engine, compileMs, environment: environment(title, adapter, threads) };
}

/** Where onnxruntime-web would go on with one, and say so in the console alone. */
const hasThreads = () => globalThis.crossOriginIsolated && typeof SharedArrayBuffer === 'function';

const environment = (runtime: string, adapter: string | null, threads: number): PageEnvironment => ({
  runtime,
  userAgent: navigator.userAgent,
  adapter,
  isolated: globalThis.crossOriginIsolated === true,
  threads,
});

async function fetched(url: URL): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} was answered with status ${response.status}.`);
  return response.arrayBuffer();
}

/** Nothing of the runtime's own start shall be in the model's times. */
async function wake(engine: Engine): Promise<void> {
  const identity = buildKernel((b) => b.output('y', b.input('x', 'float32', [1]), 'float32', [1]), 17);
  const session = await openKernel(engine, identity);
  await session.run({ x: tensorOf('float32', [1], [0]) });
  await session.close();
}

/** The part of WebGPU that is asked here. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly info?: AdapterInfo;
    readonly features: ReadonlySet<string>;
  } | null>;
}

async function adapterFor(shaderF16: boolean): Promise<string> {
  const gpu = (navigator as unknown as { readonly gpu?: Gpu }).gpu;
  if (!gpu) throw noGpu(globalThis.isSecureContext ? 'this browser has no WebGPU' : 'no secure context');
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw noGpu('the browser offers no adapter');
  const name = adapterName(adapter.info ?? {});
  if (shaderF16 && !adapter.features.has('shader-f16')) throw noFloat16(name);
  return name;
}
