/** What a page without a bundler imports: the built runtime of edgepress, and the builds of onnxruntime-web. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NamedFile } from '../emit/demo.ts';
import { packageFolder } from '../profile/machine.ts';
import { type RuntimeBuild, runtimeFiles } from '../profile/runtime-sizes.ts';

/** Beside the compiled program, or in dist when this runs from source. */
const places = ['../../runtime/', '../../dist/runtime/'];

/** The scripts of edgepress/runtime; null when they were not built. */
export function readRuntimeBundle(): NamedFile[] | null {
  const folder = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((f) => existsSync(path.join(f, 'index.js')));
  if (folder === undefined) return null;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.js'))
    .sort()
    .map((name) => ({ name, bytes: withoutSourceMap(readFileSync(path.join(folder, name), 'utf8')) }));
}

/** Source maps stay at home. */
const withoutSourceMap = (text: string) =>
  new TextEncoder().encode(text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'));

/** @throws when onnxruntime-web, which edgepress depends on, is not there */
export function readOrtBuilds(builds: readonly RuntimeBuild[]): NamedFile[] {
  const folder = path.join(packageFolder('onnxruntime-web')!, 'dist');
  const names = new Set(builds.flatMap((build) => runtimeFiles[build].map((f) => f.name)));
  return [...names]
    .sort()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(path.join(folder, name))) }));
}
