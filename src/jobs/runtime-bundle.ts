/** What a page without a bundler imports: the built runtime of edgepress, and the builds of onnxruntime-web. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NamedFile } from '../ship/emit/demo.ts';
import { packageFolder } from '../ship/profile/machine.ts';
import { type RuntimeBuild, runtimeFiles } from '../ship/profile/runtime-sizes.ts';

/** The scripts of edgepress-runtime, index.js and all that it imports; null when they were not built. */
export function readRuntimeBundle(): NamedFile[] | null {
  const folder = path.join(ownFolder(), 'dist', 'runtime');
  return existsSync(path.join(folder, 'index.js')) ? readScripts(folder) : null;
}

/** index.js of a folder and every script beside it that it leads to. */
export function readScripts(folder: string): NamedFile[] {
  const texts = new Map<string, string>();
  const visit = (name: string) => {
    if (texts.has(name)) return;
    // Source maps stay at home.
    const text = readFileSync(path.join(folder, name), 'utf8').replace(
      /\n?\/\/# sourceMappingURL=.*\s*$/,
      '\n',
    );
    texts.set(name, text);
    for (const [, next] of text.matchAll(/["']\.\/([\w.-]+\.js)["']/g)) visit(next!);
  };
  visit('index.js');
  return [...texts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => ({ name, bytes: new TextEncoder().encode(text) }));
}

/** The package that this file is part of, compiled or not. */
function ownFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json')) && path.dirname(folder) !== folder)
    folder = path.dirname(folder);
  return folder;
}

/** All that pages load for these builds. */
export function readOrtBuilds(builds: readonly RuntimeBuild[]): NamedFile[] {
  const folder = path.join(packageFolder('onnxruntime-web')!, 'dist');
  const names = new Set(builds.flatMap((build) => runtimeFiles[build].map((f) => f.name)));
  return [...names]
    .sort()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(path.join(folder, name))) }));
}
