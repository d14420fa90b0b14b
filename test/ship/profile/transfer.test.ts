import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { litertFiles } from '../../../src/ship/profile/litert-runtime.ts';
import { describeMachine, installedVersion, packageFolder } from '../../../src/ship/profile/machine.ts';
import {
  litertVersion,
  runtimeBrotliBytes,
  runtimeFiles,
  runtimeVersion,
  tfjsVersion,
} from '../../../src/ship/profile/runtime-sizes.ts';
import { tfjsFiles } from '../../../src/ship/profile/tfjs-runtime.ts';
import { brotliQualityFor, transferSizes } from '../../../src/ship/profile/transfer.ts';
import { createRandom } from '../../../src/support/random.ts';

describe('transfer sizes', () => {
  const random = createRandom(3);
  const bytes = Uint8Array.from({ length: 50_000 }, () => random.integer(16));

  it('are those of the gzip and Brotli streams that a server would send', async () => {
    const sizes = await transferSizes(bytes);
    const zipped = gzipSync(bytes, { level: 9 });
    const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    expect(gunzipSync(zipped)).toEqual(Buffer.from(bytes));
    expect(brotliDecompressSync(packed)).toEqual(Buffer.from(bytes));
    expect(sizes.gzipBytes).toBe(zipped.length);
    // The size hint may move block borders by a few bytes.
    expect(Math.abs(sizes.brotliBytes - packed.length)).toBeLessThan(50);
    expect(sizes).toMatchObject({ rawBytes: 50_000, brotliQuality: 11 });
  });

  it('use a faster quality for large files, and any that is asked for, and say so', async () => {
    expect(brotliQualityFor(14e6)).toBe(9);
    expect((await transferSizes(bytes, 5)).brotliQuality).toBe(5);
  });

  it('of no bytes are those of empty streams', async () => {
    expect(await transferSizes(new Uint8Array())).toMatchObject({
      rawBytes: 0,
      gzipBytes: 20,
      brotliBytes: 1,
    });
  });
});

describe('sizes of the web runtime', () => {
  it('are those of the installed version; scripts/runtime-sizes.ts makes them again', () => {
    expect(runtimeVersion).toBe(installedVersion('onnxruntime-web'));
    expect(tfjsVersion).toBe(installedVersion('@tensorflow/tfjs-core'));
    expect(litertVersion).toBe(installedVersion('@litertjs/core'));
    const { '@tensorflow/tfjs-backend-wasm': _, '@litertjs/core': __, ...ort } = runtimeFiles;
    for (const files of Object.values(ort))
      for (const file of files)
        expect(statSync(join(packageFolder('onnxruntime-web')!, 'dist', file.name)).size).toBe(file.rawBytes);
  });

  it.each([
    ['@tensorflow/tfjs-backend-wasm', tfjsFiles],
    ['@litertjs/core', litertFiles],
  ] as const)('of %s are those of the files that demo pages bring', async (build, files) => {
    const made = new Map((await files()).map(({ name, bytes }) => [name, bytes.length]));
    for (const file of runtimeFiles[build]) expect(made.get(file.name)).toBe(file.rawBytes);
  });

  it('count script and wasm file', () => {
    for (const build of Object.keys(runtimeFiles) as (keyof typeof runtimeFiles)[])
      expect(runtimeBrotliBytes(build)).toBe(runtimeFiles[build].reduce((sum, f) => sum + f.brotliBytes, 0));
  });
});

describe('the machine', () => {
  it('is described with versions of the runtimes that are installed', () => {
    const machine = describeMachine();
    const web = readFileSync(join(packageFolder('onnxruntime-web')!, 'package.json'), 'utf8');
    expect(machine.runtimes['onnxruntime-web']).toBe((JSON.parse(web) as { version: string }).version);
    expect(machine.node).toBe(process.versions.node);
    expect(machine.cores).toBeGreaterThan(0);
    expect(machine.memoryBytes).toBeGreaterThan(1e8);
    expect(machine.cpu).not.toBe('');
  });

  it('leaves out what is not installed', () => {
    expect(installedVersion('no-such-package-here')).toBeUndefined();
  });
});
