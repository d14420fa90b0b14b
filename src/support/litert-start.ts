/** LiteRT.js in a page: the part of it that is used, and the start of the build that the browser takes.
 *  Source: @litertjs/core 2.5.3 (litert/js/packages/core/src: load.ts, load_litert.ts, environment.ts), @litertjs/wasm-utils. */

export type Numbers = Float32Array | Int32Array | Uint8Array;

export interface LiteRtTensor {
  readonly type: { readonly layout: { readonly dimensions: readonly number[] } };
  data(): Promise<Numbers>;
  delete(): void;
}

export interface TensorDetails {
  readonly name: string;
  /** Others are refused when a model is opened. */
  readonly dtype: 'float32' | 'int32' | 'uint8';
  readonly shape: ArrayLike<number>;
}

/** The part of a CompiledModel that we use. */
interface CompiledModel {
  readonly isFullyAccelerated: boolean;
  getInputDetails(): readonly TensorDetails[];
  run(inputs: Readonly<Record<string, LiteRtTensor>>): Promise<Readonly<Record<string, LiteRtTensor>>>;
  delete(): void;
}

interface Started {
  readonly liteRtWasm: { getThreadCount(): number };
  loadAndCompile(model: Uint8Array, options: CompileOptions): Promise<CompiledModel>;
}

interface CompileOptions {
  readonly accelerator: 'wasm' | 'webgpu';
  readonly cpuOptions: { readonly numThreads: number };
  /** On a GPU; half precision would be another variant. */
  readonly gpuOptions?: { readonly precision: 'fp32' };
  readonly environment?: Environment;
}

interface Environment {
  readonly webGpuDevice: GPUDevice | null;
  delete(): void;
}

/** What is used of @litertjs/core. */
export interface LiteRt {
  /** Told by the copy in demo folders of bundles, not by the package. */
  readonly version?: string;
  readonly Tensor: new (values: Numbers, shape: number[], environment?: Environment) => LiteRtTensor;
  /** Asks for a GPU unless it is told that there is none. */
  readonly Environment: { create(options?: { readonly webGpuDevice: null }): Promise<Environment> };
  readonly supportsFeature: (feature: 'relaxedSimd') => Promise<boolean>;
  readonly loadLiteRt: (script: string) => Promise<Started>;
  readonly getGlobalLiteRtPromise: () => Promise<Started> | undefined;
}

/** 'threads' computes in relaxed SIMD too. LiteRT has no threads without it. */
export type LiteRtBuild = 'relaxed' | 'threads' | 'compat';

/** What each computes in, as people read it. */
export const buildTitles: Readonly<Record<LiteRtBuild, string>> = {
  relaxed: 'relaxed SIMD',
  threads: 'relaxed SIMD, threads',
  compat: 'SIMD',
};

const fileNames: Readonly<Record<LiteRtBuild, string>> = {
  relaxed: 'litert_wasm_internal',
  threads: 'litert_wasm_threaded_internal',
  compat: 'litert_wasm_compat_internal',
};

export interface LiteRtStart {
  readonly threads: number;
  /** Folder of the files in @litertjs/core's wasm/, with a slash at its end, or the address of each by its name. */
  readonly wasmPaths: string | Readonly<Record<string, string>>;
}

export interface StartedLiteRt {
  readonly build: LiteRtBuild;
  readonly threads: number;
  readonly runtime: Started;
  /** What it said went wrong. A model that could not be prepared opens all the same, and gives back whatever lies in memory: only
   *  this line of the log tells. */
  readonly errors: string[];
}

/** One for each copy of LiteRT.js, as that has one for a page. */
const started = new WeakMap<LiteRt['loadLiteRt'], Promise<StartedLiteRt>>();

/** Fetches and compiles the build that the browser takes, once; relaxed SIMD where there is it.
 *  @throws Error when it does not start, or when the page had started it: its log goes elsewhere then */
export function startLiteRt(litert: LiteRt, start: LiteRtStart): Promise<StartedLiteRt> {
  const begun = started.get(litert.loadLiteRt) ?? startBuild(litert, start);
  started.set(litert.loadLiteRt, begun);
  return begun;
}

/** @returns the files that a page loads for it: the script and its wasm */
export async function buildFor(
  litert: Pick<LiteRt, 'supportsFeature'>,
  { threads, wasmPaths }: LiteRtStart,
): Promise<{ readonly build: LiteRtBuild; readonly script: string; readonly wasm: string }> {
  const relaxed = await litert.supportsFeature('relaxedSimd');
  const build = !relaxed ? 'compat' : threads > 1 ? 'threads' : 'relaxed';
  const address = (name: string) => {
    const url = typeof wasmPaths === 'string' ? wasmPaths + name : wasmPaths[name];
    if (url === undefined) throw new Error(`The address of LiteRT's file ${name} was not given.`);
    return url;
  };
  const name = fileNames[build];
  return { build, script: address(`${name}.js`), wasm: address(`${name}.wasm`) };
}

/** What a script of Emscripten and its loader (createWasmLib in wasm-utils) share. */
interface Scope {
  Module?: unknown;
  ModuleFactory?: unknown;
  importScripts?: (...urls: string[]) => void;
}

async function startBuild(litert: LiteRt, start: LiteRtStart): Promise<StartedLiteRt> {
  if (litert.getGlobalLiteRtPromise())
    throw new Error('The page started LiteRT.js itself, so that its failures would go unseen.');
  const { build, script, wasm } = await buildFor(litert, start);
  const scope = globalThis as Scope;
  const { Module: before } = scope;
  const errors: string[] = [];
  const printErr = (line: string) => {
    // What it says more stands in lines without a level.
    const isMore = errors.length > 0 && !/^(INFO|WARNING|VERBOSE)|^\s*$/.test(line);
    if (isMore || line.startsWith('ERROR')) errors.push(line.replace(/^ERROR: */, '').trim());
  };
  scope.Module = { locateFile: () => wasm, mainScriptUrlOrBlob: script, printErr };
  try {
    if (isModuleWorker(scope)) {
      scope.ModuleFactory = await factoryOf(script);
      scope.importScripts = () => {};
    }
    const runtime = await withoutGpu(litert, () => litert.loadLiteRt(script));
    return { build, threads: build === 'threads' ? start.threads : 1, runtime, errors };
  } catch (error) {
    // What a script element has to say is an event.
    throw error instanceof Error ? error : new Error(`${script} can't be loaded.`);
  } finally {
    scope.Module = before;
  }
}

/** LiteRT.js takes hold of the GPU whenever it starts; only a model that runs there needs one. */
async function withoutGpu<T>({ Environment }: LiteRt, work: () => Promise<T>): Promise<T> {
  const { create } = Environment;
  Environment.create = () => create.call(Environment, { webGpuDevice: null });
  try {
    return await work();
  } finally {
    Environment.create = create;
  }
}

/** Where importScripts is there to say that it does not work. */
function isModuleWorker({ importScripts }: Scope): boolean {
  try {
    importScripts?.call(globalThis);
    return false;
  } catch {
    return true;
  }
}

/** A classic script as a module worker can have it: Emscripten's ends with an offer to loaders of AMD. */
async function factoryOf(script: string): Promise<unknown> {
  const scope = globalThis as { define?: unknown };
  const { define: before } = scope;
  let factory: unknown;
  const define = (_: readonly string[], make: () => unknown) => {
    factory = make();
  };
  scope.define = Object.assign(define, { amd: true });
  try {
    await import(/* @vite-ignore */ /* webpackIgnore: true */ script);
  } finally {
    scope.define = before;
  }
  return factory;
}
