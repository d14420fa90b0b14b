import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';

const entry = fileURLToPath(new URL('../src/web.ts', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

/** What a page has and plain JavaScript doesn't; nothing of Node's. The number types are this realm's, so that what
 *  TextEncoder makes is an instance of them. */
const pageGlobals = () => ({
  ...{ TextEncoder, TextDecoder, URL, crypto, performance, console, structuredClone, queueMicrotask },
  ...{ ArrayBuffer, DataView, Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array },
  ...{ Float32Array, Float64Array, BigInt64Array, BigUint64Array, Uint8ClampedArray },
});

const modelText = `<ir_version: 8, opset_import: ["" : 13]>
tiny (float[n,2] x) => (float[n,2] y) <float[2] w = {1.5, -2}> {
  y = Mul(x, w)
}`;

describe('the web build', () => {
  let bundle = '';
  let imports: string[] = [];

  beforeAll(async () => {
    const result = await build({
      entryPoints: [entry],
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'edgepress',
      target: 'es2023',
      external: ['onnxruntime-web', 'onnxruntime-web/*'],
      logLevel: 'silent',
    });
    bundle = result.outputFiles[0]!.text;
    imports = Object.values(result.metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
  });

  it('bundles for the browser without one import of Node, sharp or the native engine', () => {
    expect(imports.length).toBeGreaterThan(10);
    expect(imports.filter((path) => /^node:|node_modules\/(sharp|onnxruntime-node)\//.test(path))).toEqual(
      [],
    );
  });

  it('reads, writes and prints a model where nothing of Node exists', () => {
    const page = createContext({ ...pageGlobals(), modelText });
    const script = `${bundle};
      const bytes = edgepress.encodeModel(edgepress.parseModel(modelText));
      edgepress.printModel(edgepress.decodeModel(bytes));`;
    const text: unknown = runInContext(script, page);
    expect(text).toContain('y = Mul(x, w)');
    expect(text).toContain('{1.5, -2}');
  });
});
