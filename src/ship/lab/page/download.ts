/** Fetches the files of a variant and puts them together. */

import type { ModelSource } from '../../../compute/engine/contract.ts';
import { sha256 } from '../../../support/hash.ts';
import type { Part } from '../../emit/manifest.ts';

/** @throws Error when a file is missing, or not what the manifest says */
export async function downloadModel(
  parts: readonly Part[],
  session: string,
  onProgress: (loadedBytes: number) => void,
): Promise<ModelSource> {
  let loaded = 0;
  const joined = new Map<Part, Uint8Array>();
  for (const part of parts) {
    const bytes = new Uint8Array(part.bytes);
    let at = 0;
    for (const { path } of part.files) {
      for await (const chunk of chunksOf(path, session)) {
        if (at + chunk.length > bytes.length) throw new Error(`${path} is longer than the bundle says.`);
        bytes.set(chunk, at);
        at += chunk.length;
        loaded += chunk.length;
        onProgress(loaded);
      }
    }
    if (at !== bytes.length) throw new Error(`${part.name} ended after ${at} of ${bytes.length} bytes.`);
    joined.set(part, bytes);
  }
  await check(joined);
  const model = parts.find((part) => part.role === 'model');
  if (!model) throw new Error('The variant has no model file.');
  const data = parts.filter((part) => part.role === 'data');
  return {
    bytes: joined.get(model)!,
    externalData: data.length > 0 ? new Map(data.map((d) => [d.name, joined.get(d)!])) : undefined,
  };
}

async function* chunksOf(path: string, session: string): AsyncGenerator<Uint8Array> {
  const url = `/bundle/${path.split('/').map(encodeURIComponent).join('/')}`;
  const response = await fetch(url, { cache: 'no-store', headers: { authorization: `Bearer ${session}` } });
  if (!response.ok || !response.body) throw new Error(`${path} was answered with status ${response.status}.`);
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** Web Crypto exists in secure contexts only; elsewhere the length has to do. */
async function check(parts: ReadonlyMap<Part, Uint8Array>): Promise<void> {
  if (!globalThis.isSecureContext) return;
  for (const [part, bytes] of parts)
    if ((await sha256(bytes)) !== part.sha256)
      throw new Error(`${part.name} has other content than the bundle says.`);
}
