/** Everything that the lab can hand out, by path: a list made at the start. What isn't in it does not exist, so there is
 *  nothing to step out of. */
import { readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { packageFolder } from '../profile/machine.ts';
import { otherRuntimeFiles } from '../profile/other-files.ts';
import { isOther } from '../profile/other-runtimes.ts';
import type { OpenedBundle } from './bundle.ts';
import { html } from './page/document.ts';
import { style } from './page/style.ts';
import type { PageScripts } from './page-scripts.ts';

export interface LabFile {
  readonly type: string;
  /** Needs the session key of a device: the model may be nobody else's business. */
  readonly secret: boolean;
  /** The same for every run on a device, which may keep it; models are fetched each time, as their time is taken. */
  readonly kept: boolean;
  readonly content: { readonly bytes: Uint8Array } | { readonly path: string };
}

const script = 'text/javascript; charset=utf-8';

/** @throws ENGINE_MISSING without a runtime that the bundle needs */
export async function listFiles(
  bundle: OpenedBundle,
  scripts: PageScripts,
): Promise<ReadonlyMap<string, LabFile>> {
  const inMemory = (type: string, bytes: Uint8Array): LabFile => ({
    ...{ type, secret: false, kept: false },
    content: { bytes },
  });
  const text = (type: string, content: string) => inMemory(type, new TextEncoder().encode(content));
  return new Map<string, LabFile>([
    ['/', text('text/html; charset=utf-8', html(bundle.manifest.name))],
    ['/lab.css', text('text/css; charset=utf-8', style)],
    ['/lab.js', inMemory(script, scripts.main)],
    ['/lab-worker.js', inMemory(script, scripts.worker)],
    ...runtimeFiles(),
    ...(await otherFiles(bundle)),
    ...[...bundle.files].map(([name, real]): [string, LabFile] => [
      `/bundle/${name}`,
      { type: 'application/octet-stream', secret: true, kept: false, content: { path: real } },
    ]),
  ]);
}

/** The scripts and WebAssembly of onnxruntime-web; no source maps. */
function runtimeFiles(): [string, LabFile][] {
  const folder = packageFolder('onnxruntime-web');
  if (!folder) throw engineMissing('A page', 'onnxruntime-web', 'is not installed');
  const dist = realpathSync(path.join(folder, 'dist'));
  return readdirSync(dist)
    .filter((name) => /^ort[\w.-]*\.(mjs|wasm)$/.test(name))
    .map((name) => [
      `/ort/${name}`,
      { type: typeOf(name), secret: false, kept: true, content: { path: path.join(dist, name) } },
    ]);
}

const typeOf = (name: string) => (name.endsWith('.wasm') ? 'application/wasm' : script);

/** TensorFlow.js and LiteRT.js, where variants are for them. */
async function otherFiles({ manifest }: OpenedBundle): Promise<[string, LabFile][]> {
  const found: [string, LabFile][] = [];
  for (const format of new Set(manifest.variants.map((v) => v.format).filter(isOther)))
    for (const { name, bytes } of await otherRuntimeFiles[format]())
      found.push([
        `/${format}/${name}`,
        { type: typeOf(name), secret: false, kept: true, content: { bytes } },
      ]);
  return found;
}
