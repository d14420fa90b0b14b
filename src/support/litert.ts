/** A .tflite model and LiteRT.js, which runs it: start of one of its builds, bytes to a model, one run. Used in pages by the
 *  loader and by whatever measures.
 *  Source: @litertjs/core 2.5.3 (litert/js/packages/core/src: load.ts, litert_web.ts, tensor.ts), @litertjs/wasm-utils. */
import { asFloats, asIntegers, type TypedNumbers, typed } from './typed-numbers.ts';

type Numbers = Float32Array | Int32Array | Uint8Array;

interface LiteRtTensor {
  readonly type: { readonly layout: { readonly dimensions: readonly number[] } };
  data(): Promise<Numbers>;
  delete(): void;
}

interface TensorDetails {
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
  readonly environment?: object;
}

/** What is used of @litertjs/core. */
export interface LiteRt {
  /** Told by the copy in demo folders of bundles, not by the package. */
  readonly version?: string;
  readonly Tensor: new (values: Numbers, shape: number[], environment?: object) => LiteRtTensor;
  /** Asks for a GPU unless it is told that there is none. */
  readonly Environment: { create(options?: { readonly webGpuDevice: null }): Promise<object> };
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
    if (line.startsWith('ERROR')) errors.push(line.replace(/^ERROR: */, ''));
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

/** @throws Error with what LiteRT wrote meanwhile, whether the work itself failed or not */
async function heard<T>(errors: string[], work: () => Promise<T>, undo: (made: T) => void): Promise<T> {
  errors.length = 0;
  const said = () => new Error(errors.join(' '));
  const made = await work().catch((error: unknown) => {
    throw errors.length > 0 ? said() : error;
  });
  if (errors.length === 0) return made;
  undo(made);
  throw said();
}

export interface LiteRtSession {
  /** @throws Error: another shape than the file's, values that its types don't hold, what LiteRT throws */
  run(feeds: Readonly<Record<string, TypedNumbers>>): Promise<Record<string, TypedNumbers>>;
  release(): void;
}

/** @param outputs  what is fetched, in the types that ONNX has for them
 *  @throws Error when LiteRT does not take the model, or WebGPU not all of it */
export async function openLiteRt(
  { Tensor, Environment }: LiteRt,
  { runtime, threads, errors }: StartedLiteRt,
  model: Uint8Array,
  accelerator: 'wasm' | 'webgpu',
  outputs: readonly { readonly name: string; readonly dtype: string }[],
): Promise<LiteRtSession> {
  const environment = accelerator === 'webgpu' ? await Environment.create() : undefined;
  const cpuOptions = { numThreads: threads };
  const options = environment ? { accelerator, cpuOptions, environment } : { accelerator, cpuOptions };
  const compiled = await heard(
    errors,
    () => runtime.loadAndCompile(model, options),
    (made) => made.delete(),
  );
  if (accelerator === 'webgpu' && !compiled.isFullyAccelerated) {
    compiled.delete();
    throw new Error('LiteRT computes a part of the model on the CPU.');
  }
  const details = compiled.getInputDetails();
  return {
    async run(feeds) {
      const inputs: Record<string, LiteRtTensor> = {};
      let made: Readonly<Record<string, LiteRtTensor>> = {};
      try {
        for (const input of details) {
          const values = valuesFor(input, feeds[input.name]);
          inputs[input.name] = new Tensor(values, Array.from(input.shape), environment);
        }
        made = await heard(errors, () => compiled.run(inputs), remove);
        const results: Record<string, TypedNumbers> = {};
        for (const { name, dtype } of outputs) {
          const tensor = made[name];
          if (!tensor) throw new Error(`The file has no output "${name}".`);
          results[name] = typed(await tensor.data(), dtype, tensor.type.layout.dimensions);
        }
        return results;
      } finally {
        remove(inputs);
        remove(made);
      }
    },
    release: () => compiled.delete(),
  };
}

function remove(tensors: Readonly<Record<string, LiteRtTensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.delete();
}

function valuesFor({ name, dtype, shape }: TensorDetails, feed: TypedNumbers | undefined): Numbers {
  if (!feed) throw new Error(`The file's input "${name}" is none of the model's.`);
  if (feed.dims.length !== shape.length || feed.dims.some((d, i) => d !== shape[i]))
    throw new Error(`LiteRT has "${name}" as [${Array.from(shape)}] and was given [${feed.dims}].`);
  if (dtype === 'float32') return asFloats(feed.data);
  return dtype === 'int32'
    ? asIntegers(Int32Array, name, feed.data)
    : asIntegers(Uint8Array, name, feed.data);
}
