import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EngineName } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { explain } from '../../../src/compute/engine/reasons.ts';

describe('choosing an engine', () => {
  afterEach(() => {
    vi.doUnmock('onnxruntime-node');
    vi.resetModules();
  });

  const withoutNative = async (message: string) => {
    vi.resetModules();
    vi.doMock('onnxruntime-node', () => {
      throw new Error(message);
    });
    return await import('../../../src/compute/engine/open.ts');
  };

  it('takes the native one when it loads', async () => {
    expect((await openEngine()).name).toBe('node');
  });

  it('falls back to wasm when the native one does not load', async () => {
    const { openEngine } = await withoutNative('libonnxruntime.so.1: cannot open shared object file');
    expect((await openEngine()).name).toBe('wasm');
  });

  it('gives the npm command when the engine asked for is absent', async () => {
    const { openEngine } = await withoutNative("Cannot find package 'onnxruntime-node' imported from here");
    await expect(openEngine('node')).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      kind: 'environment',
      hint: expect.stringContaining('npm install onnxruntime-node'),
    });
  });

  it('names the engines when asked for another', async () => {
    await expect(openEngine('tensorrt' as EngineName)).rejects.toMatchObject({
      code: 'UNKNOWN_ENGINE',
      message: expect.stringContaining('node and wasm'),
    });
  });

  it('imports the runtimes only when an engine is opened', async () => {
    for (const { kind, path } of await runtimeImports('open.ts', 'node'))
      expect(`${path}: ${kind}`).toBe(`${path}: dynamic-import`);
  });

  it('keeps the terminal clean: no warnings of the runtimes on stderr or stdout', () => {
    const script = `
      const { openEngine } = await import(${JSON.stringify(new URL('../../../src/compute/engine/open.ts', import.meta.url).href)});
      const { buildKernel, openKernel } = await import(${JSON.stringify(new URL('../../../src/compute/engine/kernel.ts', import.meta.url).href)});
      const { tensorOf } = await import(${JSON.stringify(new URL('../../../src/model/ir/tensor.ts', import.meta.url).href)});
      // An initializer that nothing uses and a declared shape that the data contradicts: both make onnxruntime warn.
      const model = buildKernel((b) => {
        b.constant(tensorOf('float32', [1], [1]), 'unused');
        b.output('y', b.op('Relu', [b.input('x', 'float32', ['n'])]), 'float32', [7]);
      }, 17);
      for (const name of ['node', 'wasm']) {
        const session = await openKernel(await openEngine(name), model);
        await session.run({ x: tensorOf('float32', [2], [1, 2]) });
        await session.close();
      }
      console.log('done');
    `;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' });
  });
});

describe('the wasm engine in a page', () => {
  it('bundles without anything of Node, and imports the runtime on demand', async () => {
    const imports = await runtimeImports('onnxruntime-web.ts', 'browser');
    expect(imports.map((i) => `${i.path}: ${i.kind}`)).toEqual(['onnxruntime-web/wasm: dynamic-import']);
  });
});

/** What a bundle of a file in src/compute/engine/ imports from outside. For a browser, esbuild refuses `node:` modules. */
async function runtimeImports(file: string, platform: 'node' | 'browser') {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../../../src/compute/engine/${file}`, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform,
    external: ['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-web/wasm'],
    write: false,
    metafile: true,
  });
  return Object.values(metafile.outputs).flatMap((o) => o.imports);
}

describe('explaining errors of the runtimes', () => {
  it('takes a bare number thrown by WebAssembly for an abort and speaks of memory', () => {
    const reason = explain(287654321, 'wasm');
    expect(reason.kind).toBe('environment');
    expect(reason.text).toContain('memory');
  });

  it.each(['Integer overflow', 'std::bad_alloc'])('names targets that hold more for "%s"', (message) => {
    const { kind, hint } = explain(new Error(message), 'wasm');
    expect(kind).toBe('environment');
    expect(hint).toMatch(/--target webgpu, or --target node/);
  });

  it.each(['std::bad_alloc', 'Aborted(). Build with -sASSERTIONS for more info.', 'Cannot enlarge memory'])(
    'speaks of memory for "%s"',
    (message) => {
      expect(explain(new Error(message), 'wasm').text).toContain('memory');
    },
  );

  it.each([
    ['RuntimeError: memory access out of bounds', 'environment', /most often it ran out of memory/],
    [
      '[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Unexpected input data type',
      'user',
      /^INVALID_ARGUMENT : /,
    ],
    ['[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : no kernel for Foo', 'unsupported', /no kernel for Foo$/],
  ] as const)(
    'tells an error of WebAssembly from what onnxruntime says itself: "%s"',
    (message, kind, text) => {
      const reason = explain(new Error(message), 'wasm');
      expect(reason.kind).toBe(kind);
      expect(reason.text).toMatch(text);
    },
  );

  it('keeps op and node of a failing kernel', () => {
    const raw =
      "Non-zero status code returned while running Add node. Name:'block/add' Status Message: " +
      '/src/core/providers/cpu/math/element_wise_ops.h:563 void onnxruntime::BroadcastIterator::Init(ptrdiff_t) ' +
      'axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 2 by 3';
    expect(explain(new Error(raw), 'node').text).toBe(
      'Add (node "block/add"): Attempting to broadcast an axis by a dimension other than 1. 2 by 3',
    );
  });
});
