/** Everything that the lab can hand out, by path: a list made at the start. What isn't in it does not exist, so there is
 *  nothing to step out of. */
import { readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { packageFolder } from '../profile/machine.ts';
import type { OpenedBundle } from './bundle.ts';
import { html } from './page/document.ts';
import { style } from './page/style.ts';
import type { PageScripts } from './page-scripts.ts';

export interface LabFile {
  readonly type: string;
  /** Needs the session key of a device: the model may be nobody else's business. */
  readonly secret: boolean;
  readonly content: { readonly bytes: Uint8Array } | { readonly path: string };
}

const script = 'text/javascript; charset=utf-8';

/** @throws ENGINE_MISSING without onnxruntime-web */
export function listFiles(bundle: OpenedBundle, scripts: PageScripts): ReadonlyMap<string, LabFile> {
  const inMemory = (type: string, bytes: Uint8Array): LabFile => ({
    type,
    secret: false,
    content: { bytes },
  });
  const text = (type: string, content: string) => inMemory(type, new TextEncoder().encode(content));
  return new Map<string, LabFile>([
    ['/', text('text/html; charset=utf-8', html(bundle.manifest.name))],
    ['/lab.css', text('text/css; charset=utf-8', style)],
    ['/lab.js', inMemory(script, scripts.main)],
    ['/lab-worker.js', inMemory(script, scripts.worker)],
    ...runtimeFiles(),
    ...[...bundle.files].map(([name, real]): [string, LabFile] => [
      `/bundle/${name}`,
      { type: 'application/octet-stream', secret: true, content: { path: real } },
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
      {
        type: name.endsWith('.wasm') ? 'application/wasm' : script,
        secret: false,
        content: { path: path.join(dist, name) },
      },
    ]);
}
