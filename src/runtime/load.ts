/** Loads a bundle in this thread: manifest, choice, download, session; and goes on with the next candidate where
 *  one fails. */
import type { Manifest } from '../ship/emit/manifest.ts';
import type { LiteRt, LiteRtStart } from '../support/litert-start.ts';
import type { Tfjs, TfjsStart } from '../support/tfjs.ts';
import { type CacheState, openCache } from './cache.ts';
import { aborted, EdgepressError, messageOf, throwIfAborted } from './errors.ts';
import { detectDevice } from './facts.ts';
import { fetchManifest, fetchParts, locate, type Progress } from './fetch.ts';
import { createPixelReader } from './image-source.ts';
import { loadOrt, type OrtSource } from './ort.ts';
import { readPreprocessing } from './preprocess.ts';
import { type Candidate, type OrtBundle, type Provider, selectCandidates } from './select.ts';
import { isProviders, type OpenSession, openSession, prepareOrt, warmUp } from './session.ts';
import { type Feed, type ModelInputs, type ModelOutputs, toFeeds } from './tensors.ts';

export interface LoadOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  /** Only this variant of the bundle. */
  readonly variant?: string;
  /** Only this provider. */
  readonly provider?: Provider;
  /** Threads of wasm, where the page is cross-origin isolated. Default: from the number of cores; one for TensorFlow.js that does
   *  not come from a folder (`tfjs`), since bundlers' minifiers break its threads: it would never start. */
  readonly threads?: number;
  /** Download, preprocess and run off the main thread; a function for a worker that the app makes itself. */
  readonly worker?: boolean | (() => Worker);
  /** Keep the files for the next visit and for offline; a name to use a cache of one's own. Default: true. */
  readonly cache?: boolean | string;
  /** Folder of onnxruntime-web's .wasm files, where they don't lie beside its script. */
  readonly wasmPaths?: string;
  readonly ort?: OrtSource;
  /** For variants that TensorFlow.js runs. */
  readonly tfjs?: TfjsSource;
  /** Folder of tfjs-backend-wasm's .wasm files, or the address of each by its name; default: that of `tfjs`, or beside its
   *  script. */
  readonly tfjsWasmPaths?: TfjsStart['wasmPaths'];
  /** For variants that LiteRT.js runs. Without it and without `litertWasmPaths` they are left alone. */
  readonly litert?: LiteRtSource;
  /** Folder of the files in @litertjs/core's wasm/, or the address of each by its name; default: the folder `litert`. */
  readonly litertWasmPaths?: LiteRtStart['wasmPaths'];
}

/** Where TensorFlow.js comes from. Left out: `import('@tensorflow/tfjs-core')`, `…-converter` and `…-backend-wasm`, which a
 *  bundler or an import map resolves. A URL: a folder with tfjs.js and the .wasm files, as in demo/tfjs of a bundle. Or the
 *  functions of the three packages in one object. */
export type TfjsSource = Tfjs | string;

/** Where LiteRT.js comes from. Left out: `import('@litertjs/core')`, which a bundler or an import map resolves. A URL: a folder
 *  with litert.js and the files of @litertjs/core's wasm/, as in demo/litert of a bundle. Or the package's functions. */
export type LiteRtSource = LiteRt | string;

/** An input or output, as the manifest has it. */
export type Port = Manifest['outputs'][number];

/** Plain data, for logs and for telling users. */
export interface ModelInfo {
  readonly variant: string;
  readonly provider: Provider;
  readonly threads: number;
  /** Why this variant, and what failed before it. */
  readonly reason: string;
  /** "onnxruntime-web/wasm 1.30.0", "@tensorflow/tfjs-backend-wasm 4.22.0", "@litertjs/core 2.5.3 (relaxed SIMD)" */
  readonly runtime: string;
  readonly tried: readonly { readonly variant: string; readonly provider: string; readonly error: string }[];
  readonly cache: CacheState;
  /** The manifest came from the cache: no network, or no answer that is one. */
  readonly offline: boolean;
  readonly worker: boolean;
}

export interface LoadedModel<Inputs = ModelInputs, Outputs = ModelOutputs> {
  /** Runs wait for one another. Arrays must stay as they are until then; pictures are read at once. After a
   *  failure of the provider the run is repeated on the next candidate.
   *  @throws INPUT_INVALID, RUN_FAILED, PROVIDER_FAILED, ABORTED, DISPOSED */
  run(inputs: Inputs, options?: { readonly signal?: AbortSignal }): Promise<Outputs>;
  /** Changes when the model moves to another candidate. */
  readonly info: ModelInfo;
  readonly labels: readonly string[] | null;
  readonly manifest: Manifest;
  /** Frees the session after the run in progress; runs still waiting get DISPOSED. */
  dispose(): Promise<void>;
}

type Tried = ModelInfo['tried'][number];

export function loadHere(url: string | URL, options: LoadOptions): Promise<LoadedModel> {
  const loading = load(url, options);
  return options.signal ? unlessAborted(loading, options.signal) : loading;
}

async function load(url: string | URL, options: LoadOptions): Promise<LoadedModel> {
  const { signal } = options;
  throwIfAborted(signal);
  const place = locate(url);
  const cache = await openCache(options.cache ?? true, place.base);
  const { manifest, offline } = await fetchManifest(place, cache, signal);
  const spec = manifest.preprocessing && readPreprocessing(manifest.preprocessing);
  const wantsGpu =
    options.provider !== 'wasm' && manifest.variants.some((v) => v.providers.includes('webgpu'));
  const { candidates, excluded } = selectCandidates(manifest, await detectDevice(wantsGpu), options);
  if (candidates.length === 0) throw noVariant(manifest, options, excluded);

  const tried: Tried[] = [];
  let next = 0;
  let current: { session: OpenSession; candidate: Candidate };
  let held: { variant: string; parts: ReadonlyMap<string, Uint8Array> } | null = null;

  /** Opens the first candidate from `next` on that works. Files that can't be had end it: another variant would
   *  hide a broken upload. */
  async function advance(progress: LoadOptions['onProgress'], stop: AbortSignal | undefined): Promise<void> {
    for (let candidate = candidates[next++]; candidate; candidate = candidates[next++]) {
      const { variant, provider } = candidate;
      try {
        const starting = start(candidate, manifest, options).catch((error: unknown) => error as Error);
        if (held?.variant !== variant.name) {
          const parts = await fetchParts(variant, place.base, cache, { signal: stop, onProgress: progress });
          held = { variant: variant.name, parts };
        }
        const open = await starting;
        if (open instanceof Error) throw open;
        throwIfAborted(stop);
        current = { session: await open(held.parts), candidate };
        held = null;
        return;
      } catch (error) {
        if (error instanceof EdgepressError && error.code !== 'PROVIDER_FAILED') throw error;
        tried.push({ variant: variant.name, provider, error: messageOf(error) });
      }
    }
    held = null;
    const reasons = tried.map((t) => `${t.variant} on ${t.provider}: ${t.error}`).join('; ');
    throw new EdgepressError('PROVIDER_FAILED', `Nothing in the bundle runs here. ${reasons}`);
  }

  await advance(options.onProgress, signal);
  if (signal?.aborted) {
    await current!.session.release();
    throw aborted();
  }
  if (!offline) await cache.finish(manifest);

  let tail: Promise<unknown> = Promise.resolve();
  let disposal: Promise<void> | null = null;
  const readPixels = createPixelReader();
  const ports = () =>
    manifest.inputs.map((p) => ({ ...p, dtype: current.session.inputType(p.name) ?? p.dtype }));

  /** One run, moving on as long as providers fail. */
  async function runNow(feeds: Readonly<Record<string, Feed>>): Promise<ModelOutputs> {
    for (;;) {
      const { session, candidate } = current;
      try {
        return await session.run(feeds);
      } catch (error) {
        const message = messageOf(error);
        if (!isProviders(error, candidate, next >= candidates.length))
          throw new EdgepressError('RUN_FAILED', message, error);
        tried.push({ variant: candidate.variant.name, provider: candidate.provider, error: message });
        void session.release();
        await advance(undefined, undefined);
      }
    }
  }

  return {
    async run(inputs, { signal: stop } = {}) {
      if (disposal) throw disposed();
      throwIfAborted(stop);
      const feeds = toFeeds(inputs, ports(), spec, readPixels);
      const result = tail.then(() => {
        if (disposal) throw disposed();
        throwIfAborted(stop);
        return runNow(feeds);
      });
      tail = result.catch(() => {});
      return stop ? unlessAborted(result, stop) : result;
    },
    get info() {
      const { candidate, session } = current;
      return {
        variant: candidate.variant.name,
        provider: candidate.provider,
        threads: session.threads,
        reason: reasonOf(candidate, tried),
        runtime: `${candidate.bundle} ${session.version}`.trim(),
        tried: [...tried],
        cache: cache.state,
        offline,
        worker: false,
      };
    },
    labels: manifest.labels,
    manifest,
    dispose() {
      disposal ??= tail.then(() => current.session.release());
      return disposal;
    },
  };
}

/** Starts the runtime of a candidate; what comes back opens the model in it. */
async function start(
  candidate: Candidate,
  { outputs }: Manifest,
  options: LoadOptions,
): Promise<(parts: ReadonlyMap<string, Uint8Array>) => Promise<OpenSession>> {
  const { format } = candidate.variant;
  if (format === 'tfjs') return (await import('./tfjs.ts')).prepare(candidate, outputs, options);
  if (format === 'litert') return (await import('./litert.ts')).prepare(candidate, outputs, options);
  const ort = await loadOrt(candidate.bundle as OrtBundle, options.ort);
  prepareOrt(ort, candidate.threads, options.wasmPaths);
  await warmUp(ort, candidate);
  return (parts) => openSession(ort, candidate, parts);
}

export const disposed = () => new EdgepressError('DISPOSED', 'The model was disposed.');

function reasonOf({ reason }: Candidate, tried: readonly Tried[]): string {
  const last = tried.at(-1);
  return last ? `${last.variant} on ${last.provider} failed: ${last.error}` : reason;
}

function noVariant(
  { variants }: Manifest,
  { variant, provider }: LoadOptions,
  excluded: readonly { variant: string; provider: string; reason: string }[],
): EdgepressError {
  const asked = [variant, provider && `provider ${provider}`].filter(Boolean).join(' on ');
  const reasons = excluded.map((e) => `${e.variant} on ${e.provider}: ${e.reason}`).join('; ');
  const has = variants.map((v) => `${v.name} (${v.providers.join(', ')})`).join(', ');
  return new EdgepressError(
    'NO_VARIANT',
    `Nothing in the bundle runs here${asked && `, with ${asked} asked for`}. ${reasons || `It has ${has}.`}`,
  );
}

/** Rejects at once on abort; the run itself goes on in the queue and its result is dropped. */
function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    signal.addEventListener('abort', stop, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
