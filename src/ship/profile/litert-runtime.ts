/** LiteRT.js for pages without a bundler: @litertjs/core as one module that imports its helper from beside it, and the scripts and
 *  .wasm files of three of its builds. Taken from the installed package as it is, so that all are of one version. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { internal } from '../../support/diagnostics.ts';
import { installedVersion, packageFolder } from './machine.ts';
import type { PageFile } from './tfjs-runtime.ts';

/** Relaxed SIMD, the same with threads, and plain SIMD. The fourth, for JSPI, splits models between CPU and GPU. */
const builds = ['litert_wasm_internal', 'litert_wasm_threaded_internal', 'litert_wasm_compat_internal'];

let read: Promise<readonly PageFile[]> | undefined;

/** litert.js, what it imports, scripts and .wasm files of the builds, and the licence. @throws ENGINE_MISSING */
export function litertFiles(): Promise<readonly PageFile[]> {
  read ??= readFiles();
  return read;
}

export const litertVersion = () => installedVersion('@litertjs/core');

async function readFiles(): Promise<PageFile[]> {
  const core = packageFolder('@litertjs/core');
  const utils = packageFolder('@litertjs/wasm-utils');
  if (!core || !utils) throw engineMissing('A page', '@litertjs/core', 'is not installed');
  const wasm = builds.flatMap((name) => [`${name}.js`, `${name}.wasm`]);
  // The packages name their licence and don't bring its text.
  const licence = join(packageFolder('sharp')!, 'LICENSE');
  return [
    { name: 'LICENSE', bytes: await bytesOf(licence) },
    { name: 'litert.js', bytes: new TextEncoder().encode(await mainModule(core)) },
    { name: 'wasm-utils.js', bytes: await bytesOf(join(utils, 'dist', 'index.js')) },
    ...(await Promise.all(
      wasm.map(async (name) => ({ name, bytes: await bytesOf(join(core, 'wasm', name)) })),
    )),
  ];
}

const bytesOf = async (file: string) => new Uint8Array(await readFile(file));

/** The package's module, with the address of the one that it imports, and its version. */
async function mainModule(core: string): Promise<string> {
  const text = await readFile(join(core, 'dist', 'index.js'), 'utf8');
  const [before, after, ...more] = text.split('"@litertjs/wasm-utils"');
  if (after === undefined || more.length > 0)
    throw internal('LITERT_MODULE', '@litertjs/core no longer imports @litertjs/wasm-utils in one place.');
  const banner = '/*! LiteRT.js, Copyright Google LLC, Apache-2.0 */\n';
  const plain = `${before}"./wasm-utils.js"${after}`.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  return `${banner}${plain}export const version = ${JSON.stringify(litertVersion())};\n`;
}
