/** Bytes from the bundle's own origin: streamed with progress, joined, and used only when their hash is right. */
import type { BundleFile, Manifest, Variant } from '../ship/emit/manifest.ts';
import type { FileCache } from './cache.ts';
import { aborted, EdgepressError, messageOf, throwIfAborted } from './errors.ts';
import { parseManifest } from './parse-manifest.ts';
import { sha256 } from './sha256.ts';

export interface Progress {
  /** Bytes of the variant that are here, over all its files. */
  readonly loaded: number;
  readonly total: number;
  readonly variant: string;
}

export interface Place {
  /** The bundle's folder, ending in a slash. */
  readonly base: URL;
  readonly manifestUrl: URL;
}

/** Where a bundle is: its folder, with or without the last slash, or the manifest itself. */
export function locate(url: string | URL): Place {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  let manifestUrl: URL;
  try {
    manifestUrl = new URL(url, page);
  } catch (cause) {
    throw new EdgepressError('OPTION_INVALID', `"${url}" is not a URL.`, cause);
  }
  if (!manifestUrl.pathname.endsWith('.json')) {
    if (!manifestUrl.pathname.endsWith('/')) manifestUrl.pathname += '/';
    manifestUrl.pathname += 'edgepress.json';
  }
  const base = new URL('.', manifestUrl);
  return { base, manifestUrl };
}

/** The manifest from the network; from the cache when there is no network or the answer is not a manifest.
 *  @throws MANIFEST_INVALID, FETCH_FAILED, ABORTED */
export async function fetchManifest(
  { base, manifestUrl }: Place,
  cache: FileCache,
  signal: AbortSignal | undefined,
): Promise<{ manifest: Manifest; offline: boolean }> {
  const { href } = manifestUrl;
  try {
    // A new edgepress.json must be seen at once: old ones name hashes that the server no longer has.
    const response = await get(manifestUrl, base, 'no-cache', signal);
    const failed = response.ok ? null : `the server answers ${response.status}`;
    if (failed) throw new EdgepressError('FETCH_FAILED', `${href}: ${failed}.`);
    const json: unknown = await response.json().catch((cause: unknown) => {
      throwIfAborted(signal);
      const type = response.headers.get('content-type');
      throw new EdgepressError('MANIFEST_INVALID', `${href} is not JSON (the server sent ${type}).`, cause);
    });
    return { manifest: parseManifest(json, href), offline: false };
  } catch (error) {
    throwIfAborted(signal);
    const kept = await cache.manifest();
    if (!kept) throw error;
    return { manifest: parseManifest(kept, `the cached copy of ${href}`), offline: true };
  }
}

/** All parts of a variant by name, each file's hash verified.
 *  @throws MANIFEST_INVALID for a size that no memory holds, FETCH_FAILED, SHARD_MISSING, HASH_MISMATCH, ABORTED: naming the file */
export async function fetchParts(
  variant: Variant,
  base: URL,
  cache: FileCache,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((progress: Progress) => void) | undefined;
  },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const total = variant.parts.reduce((sum, part) => sum + part.bytes, 0);
  let loaded = 0;
  const count = (bytes: number) => {
    loaded += bytes;
    options.onProgress?.({ loaded, total, variant: variant.name });
  };
  const parts = new Map<string, Uint8Array>();
  const jobs: { file: BundleFile; into: Uint8Array }[] = [];
  for (const part of variant.parts) {
    let whole: Uint8Array;
    try {
      whole = new Uint8Array(part.bytes);
    } catch (cause) {
      throw new EdgepressError('MANIFEST_INVALID', `${base}: ${part.bytes} bytes.`, cause);
    }
    parts.set(part.name, whole);
    let at = 0;
    for (const file of part.files) {
      jobs.push({ file, into: whole.subarray(at, at + file.bytes) });
      at += file.bytes;
    }
  }
  // The first failure stops the other downloads.
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) stop.abort();
  const worker = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift())
      await fillFile(job.file, job.into, base, cache, stop.signal, count);
  };
  try {
    await Promise.all([worker(), worker(), worker(), worker()]);
  } catch (error) {
    stop.abort();
    throwIfAborted(options.signal);
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
  return parts;
}

async function fillFile(
  file: BundleFile,
  into: Uint8Array,
  base: URL,
  cache: FileCache,
  signal: AbortSignal,
  count: (bytes: number) => void,
): Promise<void> {
  throwIfAborted(signal);
  const kept = await cache.get(file.sha256);
  if (kept) {
    if (kept.length === file.bytes && (await sha256(kept)) === file.sha256) {
      into.set(kept);
      count(file.bytes);
      return;
    }
    await cache.remove(file.sha256);
  }
  // The second time past the browser's HTTP cache, which may hold another release's file.
  let came = '';
  for (const mode of ['default', 'reload'] as const) {
    came = await download(file, into, base, mode, signal, count);
    const hash = came === '' ? await sha256(into) : '';
    if (hash === file.sha256) {
      await cache.put(file.sha256, into);
      return;
    }
    came ||= `sha256 ${hash}`;
    count(-into.length);
  }
  throw new EdgepressError(
    'HASH_MISMATCH',
    `${file.path}: expected ${file.bytes} bytes, sha256 ${file.sha256}; came ${came}, twice. Upload the whole bundle again.`,
  );
}

/** Streams into `into`, counting its full length in the end.
 *  @returns '' or what came instead of the right number of bytes */
async function download(
  file: BundleFile,
  into: Uint8Array,
  base: URL,
  mode: 'default' | 'reload',
  signal: AbortSignal,
  count: (bytes: number) => void,
): Promise<string> {
  const response = await get(fileUrl(file.path, base), base, mode, signal);
  if (!response.ok) {
    const missing = response.status === 404 || response.status === 410;
    throw new EdgepressError(
      missing ? 'SHARD_MISSING' : 'FETCH_FAILED',
      `${file.path}: the server answers ${response.status}.`,
    );
  }
  const type = response.headers.get('content-type') ?? 'bytes';
  let at = 0;
  try {
    const reader = response.body!.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { value } = next;
      if (at + value.length > into.length) {
        await reader.cancel();
        count(into.length - at);
        return `more bytes (${type})`;
      }
      into.set(value, at);
      at += value.length;
      count(value.length);
    }
  } catch (cause) {
    throwIfAborted(signal);
    throw new EdgepressError('FETCH_FAILED', `${file.path}: ${messageOf(cause)}, after ${at} bytes.`, cause);
  }
  count(into.length - at);
  return at === into.length ? '' : `${at} bytes (${type})`;
}

/** @throws MANIFEST_INVALID when the path would leave the bundle's folder */
export function fileUrl(path: string, base: URL): URL {
  const url = new URL(path.split('/').map(encodeURIComponent).join('/'), base);
  if (url.origin === base.origin && url.pathname.startsWith(base.pathname)) return url;
  throw new EdgepressError('MANIFEST_INVALID', `Path "${path}" leaves the bundle.`);
}

/** @throws FETCH_FAILED, also when the server sends to another origin; ABORTED */
async function get(
  url: URL,
  base: URL,
  cache: RequestCache,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const sameOrigin = globalThis.location?.origin === base.origin;
  try {
    const response = await fetch(url, {
      cache,
      mode: sameOrigin ? 'same-origin' : 'cors',
      signal: signal ?? null,
    });
    if (response.url && new URL(response.url).origin !== base.origin)
      throw new Error(`sent on to another origin, ${response.url}`);
    return response;
  } catch (cause) {
    if (signal?.aborted) throw aborted();
    throw new EdgepressError('FETCH_FAILED', `${url.href}: ${messageOf(cause)}.`, cause);
  }
}
