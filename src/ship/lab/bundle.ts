/** Opens a bundle folder: its manifest, and the files that it names and nothing else. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { bundleMissing, bundleUnreadable } from '../../support/diagnostics/bundle.ts';
import { messageOf } from '../../support/diagnostics.ts';
import { type Manifest, manifestSchema } from '../emit/manifest.ts';

export const manifestFile = 'edgepress.json';

export interface OpenedBundle {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Real paths by the path that the manifest gives. */
  readonly files: ReadonlyMap<string, string>;
}

/** @throws BUNDLE_NOT_FOUND; BUNDLE_UNREADABLE for a manifest that is none, or a file that is missing, has another size
 *    or lies outside of the folder */
export function openBundle(folder: string): OpenedBundle {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw bundleMissing(folder, existsSync(folder) ? 'it is a file' : 'there is no such folder');
  const file = path.join(folder, manifestFile);
  if (!existsSync(file)) throw bundleMissing(folder, `it has no ${manifestFile}`);
  const manifest = readManifest(file);
  const root = realpathSync(folder);
  const named = manifest.variants.flatMap((v) => v.parts.flatMap((part) => part.files));
  return {
    folder,
    manifest,
    files: new Map(named.map(({ path: name, bytes }) => [name, locate(file, root, name, bytes)])),
  };
}

/** @throws BUNDLE_UNREADABLE */
export function readManifest(file: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const what =
      error instanceof z.ZodError
        ? z.prettifyError(error).split('\n').slice(0, 2).join(' ')
        : messageOf(error);
    throw bundleUnreadable(file, what);
  }
}

function locate(manifest: string, root: string, name: string, bytes: number): string {
  const wanted = path.join(root, ...name.split('/'));
  if (!existsSync(wanted)) throw bundleUnreadable(manifest, `it names ${name}, which is not there`);
  const real = realpathSync(wanted);
  if (!real.startsWith(root + path.sep))
    throw bundleUnreadable(manifest, `${name} is a link out of the bundle`);
  const { size } = statSync(real);
  if (size !== bytes) throw bundleUnreadable(manifest, `${name} should have ${bytes} bytes and has ${size}`);
  return real;
}
