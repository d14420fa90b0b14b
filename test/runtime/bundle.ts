/** A bundle by hand, and a server that can misbehave: what the runtime's tests load from. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Manifest, manifestSchema, type Variant } from '../../src/ship/emit/manifest.ts';

export const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export interface VariantSketch extends Partial<Omit<Variant, 'parts'>> {
  readonly name: string;
  readonly model: Uint8Array;
  /** Files of weights beside it, by name. */
  readonly data?: Readonly<Record<string, Uint8Array>>;
  /** Number of files to cut the model into. */
  readonly shards?: number;
}

/** Files by path, edgepress.json among them; the manifest passes the real schema. */
export function makeBundle(
  variants: readonly VariantSketch[],
  rest: Partial<Manifest> = {},
): { files: Map<string, Uint8Array>; manifest: Manifest } {
  const files = new Map<string, Uint8Array>();
  const manifest = manifestSchema.parse({
    schema: 'edgepress/bundle@1',
    name: 'test',
    inputs: [{ name: 'input', dtype: 'float32', shape: ['N', 4] }],
    outputs: [{ name: 'output', dtype: 'float32', shape: ['N', 4] }],
    preprocessing: null,
    labels: null,
    licence: null,
    provenance: {
      tool: 'edgepress 0.1.0',
      onnxruntime: '1.30.0',
      source: { file: 'model.onnx', bytes: 1, sha256: '0'.repeat(64) },
      recipes: {},
    },
    ...rest,
    variants: variants.map(({ model, data = {}, shards = 1, ...variant }) => {
      const step = Math.ceil(model.length / shards);
      const pieces = Array.from({ length: shards }, (_, i) => {
        const bytes = model.subarray(i * step, (i + 1) * step);
        const path = `onnx/${variant.name}.onnx${shards > 1 ? `.${i + 1}` : ''}`;
        files.set(path, bytes);
        return { path, bytes: bytes.length, gzipBytes: null, brotliBytes: null, sha256: digest(bytes) };
      });
      const beside = Object.entries(data).map(([name, bytes]) => {
        const path = `onnx/${variant.name}/${name}`;
        files.set(path, bytes);
        const [size, sha256] = [bytes.length, digest(bytes)];
        const file = { path, bytes: size, gzipBytes: null, brotliBytes: null, sha256 };
        return { name, role: 'data' as const, bytes: size, sha256, files: [file] };
      });
      return {
        precision: 'float32',
        providers: ['wasm'],
        format: 'onnx',
        parts: [
          { name: 'model.onnx', role: 'model', bytes: model.length, sha256: digest(model), files: pieces },
          ...beside,
        ],
        bytes: model.length,
        brotliBytes: null,
        requires: [],
        sessionConfig: {},
        runtime: null,
        parity: [],
        accuracy: null,
        measured: [],
        ...variant,
      };
    }),
  });
  files.set('edgepress.json', Buffer.from(JSON.stringify(manifest)));
  return { files, manifest };
}

export interface TestServer {
  readonly origin: string;
  /** Content by path; a file's path on disk, or its bytes. */
  readonly files: Map<string, Uint8Array | string>;
  /** Paths asked for, in order. */
  readonly log: string[];
  /** Return true to have answered. */
  handle: ((path: string, request: IncomingMessage, response: ServerResponse) => boolean) | null;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
  html: 'text/html',
  png: 'image/png',
  jpg: 'image/jpeg',
};

export const pageScript = `<script>
  globalThis.runtime = () => import('/runtime/index.js');
  globalThis.gpuBuild = () => import('/ort/ort.webgpu.bundle.min.mjs');
  globalThis.imported = (url) => import(url);
</script>`;

/** Pages under /isolated/ are cross-origin isolated; everything may be embedded by them. */
export async function startServer(): Promise<TestServer> {
  const files = new Map<string, Uint8Array | string>();
  const log: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname);
    log.push(path);
    if (test.handle?.(path, request, response)) return;
    response.setHeader('cross-origin-resource-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    if (path.endsWith('.html')) {
      if (path.startsWith('/isolated/')) response.setHeader('cross-origin-opener-policy', 'same-origin');
      else response.removeHeader('cross-origin-embedder-policy');
      response.setHeader('content-type', 'text/html').end(`<!doctype html><title>test</title>${pageScript}`);
      return;
    }
    const content = files.get(path);
    if (content === undefined) {
      response.writeHead(404).end('not here');
      return;
    }
    response.setHeader('content-type', types[path.split('.').at(-1)!] ?? 'application/octet-stream');
    response.end(typeof content === 'string' ? readFileSync(content) : content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const test: TestServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    log,
    handle: null,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return test;
}
