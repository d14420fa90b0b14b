/** Files kept in the browser's Cache API under their hash, and the last manifest whose files are all there, so
 *  that a loaded model opens again without a network. */
import type { Manifest } from '../ship/emit/manifest.ts';

/** 'stored': new files were kept. 'hit': all came from the cache. 'full': the browser's quota refused a file, the
 *  model loaded without. 'unavailable': the page has no Cache API (plain http, some private windows). */
export type CacheState = 'stored' | 'hit' | 'full' | 'unavailable' | 'off';

export interface FileCache {
  readonly state: CacheState;
  /** Bytes kept under a hash (to be verified again), or null. */
  get(sha256: string): Promise<Uint8Array | null>;
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  remove(sha256: string): Promise<void>;
  /** The manifest as it was at the last complete load. */
  manifest(): Promise<unknown>;
  /** After a complete load: keeps this manifest, drops files that it doesn't name. */
  finish(manifest: Manifest): Promise<void>;
}

/** Raised when what is kept, or its keys, change; caches of other versions are deleted. */
const version = 1;
const ownName = /^edgepress-\d+$/;

/** @param option  a name of the app's choice, or false for none
 *  @param base  the bundle's folder: bundles side by side don't evict one another */
export async function openCache(option: boolean | string, base: URL): Promise<FileCache> {
  if (option === false) return without('off');
  const name = typeof option === 'string' ? option : `edgepress-${version}`;
  try {
    const cache = await caches.open(name);
    if (option === true)
      for (const other of await caches.keys())
        if (ownName.test(other) && other !== name) await caches.delete(other);
    return within(cache, `${base.href}?edgepress=`);
  } catch {
    return without('unavailable');
  }
}

function without(state: CacheState): FileCache {
  const nothing = async () => null;
  const skip = async () => {};
  return { state, get: nothing, put: skip, remove: skip, manifest: nothing, finish: skip };
}

function within(cache: Cache, prefix: string): FileCache {
  let state: CacheState = 'hit';
  const tryPut = async (key: string, body: BodyInit, type: string) => {
    if (state === 'full') return;
    try {
      await cache.put(prefix + key, new Response(body, { headers: { 'content-type': type } }));
    } catch {
      // Most often the quota. Half a model in the cache helps nobody who has no room for the rest.
      state = 'full';
    }
  };
  const matched = async (key: string) => {
    try {
      return (await cache.match(prefix + key)) ?? null;
    } catch {
      return null;
    }
  };
  return {
    get state() {
      return state;
    },
    async get(sha256) {
      const response = await matched(sha256);
      return response && new Uint8Array(await response.arrayBuffer());
    },
    async put(sha256, bytes) {
      if (state === 'hit') state = 'stored';
      await tryPut(sha256, bytes as Uint8Array<ArrayBuffer>, 'application/octet-stream');
    },
    async remove(sha256) {
      await cache.delete(prefix + sha256);
    },
    async manifest() {
      const response = await matched('manifest');
      return response ? response.json().catch(() => null) : null;
    },
    async finish(manifest) {
      const files = manifest.variants.flatMap((v) => v.parts.flatMap((p) => p.files));
      const keep = new Set(['manifest', ...files.map((f) => f.sha256)]);
      for (const { url } of await cache.keys())
        if (url.startsWith(prefix) && !keep.has(url.slice(prefix.length))) await cache.delete(url);
      await tryPut('manifest', JSON.stringify(manifest), 'application/json');
    },
  };
}
