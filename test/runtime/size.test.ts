import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRuntime } from '../../scripts/build-runtime.ts';
import { sha256Slow } from '../../src/runtime/sha256-slow.ts';
import { sha256 } from '../../src/support/hash.ts';

describe('the built runtime', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-size-'));
  beforeAll(() => buildRuntime(folder));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');

  /** A module and all that it imports before it runs. */
  function withImports(file: string, found = new Set<string>()): Set<string> {
    found.add(file);
    for (const [, name] of read(file).matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g))
      if (!found.has(name!)) withImports(name!, found);
    return found;
  }
  const brotli = (files: Iterable<string>) =>
    [...files].reduce((sum, file) => sum + brotliCompressSync(readFileSync(join(folder, file))).length, 0);

  const scripts = () => readdirSync(folder).filter((file) => file.endsWith('.js'));
  /** A module that imports this package, and what comes with it and not with the page. */
  function onDemand(packageName: string): string[] {
    const [first, ...more] = scripts().filter((file) => read(file).includes(`import("${packageName}")`));
    expect(more).toEqual([]);
    const page = withImports('index.js');
    expect(page).not.toContain(first);
    return [...withImports(first!)].filter((file) => !page.has(file));
  }

  it('is at most 10 kB of brotli for a page, 13 with the worker and all that is loaded on demand, 2.6 more for another runtime', () => {
    expect(brotli(withImports('index.js'))).toBeLessThanOrEqual(10_000);
    const [forTfjs, forLiteRt] = ['@tensorflow/tfjs-core', '@litertjs/core'].map(onDemand);
    for (const files of [forTfjs, forLiteRt]) expect(brotli(files!)).toBeLessThanOrEqual(2_600);
    const others = new Set([...forTfjs!, ...forLiteRt!]);
    expect(brotli(scripts().filter((file) => !others.has(file)))).toBeLessThanOrEqual(13_000);
  });

  it('imports onnxruntime-web, TensorFlow.js and LiteRT.js on demand and nothing else from outside', () => {
    const all = scripts();
    const outside = all.flatMap((file) =>
      [...read(file).matchAll(/(?:from|import\(?)\s*"([^."][^"]*)"/g)].map((match) => match[1]!),
    );
    expect([...new Set(outside)].sort()).toEqual([
      '@litertjs/core',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-converter',
      '@tensorflow/tfjs-core',
      'onnxruntime-web/wasm',
      'onnxruntime-web/webgpu',
    ]);
    const all_ = all.map(read).join('\n');
    expect(all_).toContain('import(/* @vite-ignore */');
    expect(all_).toContain('new Worker(new URL("./worker.js",import.meta.url)');
  });

  it('is taken by a bundler where the packages of TensorFlow.js and LiteRT.js are not installed', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(folder, 'index.js'), join(folder, 'worker.js')],
      outdir: join(folder, 'app'),
      bundle: true,
      splitting: true,
      format: 'esm',
      external: ['onnxruntime-web/*'],
      write: false,
      logLevel: 'silent',
    });
    const left = outputFiles.flatMap(({ text }) => [
      ...text.matchAll(/import\("(@(?:tensorflow|litertjs)[^"]*)"\)/g),
    ]);
    expect(left.map((match) => match[1]).sort()).toEqual([
      '@litertjs/core',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-converter',
      '@tensorflow/tfjs-core',
    ]);
  });
});

describe('SHA-256 without Web Crypto', () => {
  it('gives what Web Crypto gives, for all lengths around a block', async () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 5000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 31 + length);
      expect(sha256Slow(bytes)).toBe(await sha256(bytes));
    }
  });
});
