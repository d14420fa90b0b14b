/** A small static server for pages that are measured: 127.0.0.1, a random port, nothing outside of what it is given. */
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';

interface ServeOptions {
  /** By path, "/model.onnx": content in memory, or the path of a file. */
  readonly files?: ReadonlyMap<string, ServedFile>;
  /** Folders by the path that they stand under, "/ort/"; links that lead out of them are not followed. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Send COOP and COEP, so that pages get threads and may measure their memory. */
  readonly isolated?: boolean;
  /** Takes what is posted to these paths, and is answered when that is done; a larger body is refused with 413. */
  readonly receive?: Readonly<Record<string, (body: Uint8Array) => void | Promise<void>>>;
  /** Requests for these are held open; called when the client is gone. */
  readonly held?: Readonly<Record<string, () => void>>;
  /** Default 1 GB. */
  readonly maxBodyBytes?: number;
}

export type ServedFile =
  | { readonly bytes: Uint8Array | string; readonly encoding?: 'br' }
  | { readonly path: string };

export interface Serving {
  /** "http://127.0.0.1:41234/" */
  readonly url: string;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};

/** Files are fixed when it starts, except that `files` may be a map that the caller goes on filling. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const server = createServer((request, response) => {
    answer(request, response, options, hostOf(server)).catch(() => refuse(response, 500));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://${hostOf(server)}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const hostOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo | null)?.port}`;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServeOptions,
  host: string,
): Promise<void> {
  setHeaders(response, options);
  // A foreign page whose name was made to lead here carries that name.
  if (request.headers.host !== host) return refuse(response, 421);
  const path = pathOf(request.url);
  if (path === null) return refuse(response, 400);
  if (request.method === 'POST') return receive(request, response, path, options);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
  const gone = Object.hasOwn(options.held ?? {}, path) ? options.held?.[path] : undefined;
  if (gone) {
    response.on('close', gone).flushHeaders();
    return;
  }
  const file = options.files?.get(path) ?? (await inFolders(path, options.folders ?? {}));
  if (!file) return refuse(response, 404);
  response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream');
  if ('path' in file) return sendFile(request, response, file.path);
  const body = typeof file.bytes === 'string' ? Buffer.from(file.bytes) : file.bytes;
  if (file.encoding) response.setHeader('content-encoding', file.encoding);
  response.setHeader('content-length', body.length);
  response.end(request.method === 'HEAD' ? undefined : body);
}

function setHeaders(response: ServerResponse, { isolated }: ServeOptions): void {
  // The port is another one each time: nothing outlives the server.
  response.setHeader('cache-control', 'max-age=3600');
  response.setHeader('x-content-type-options', 'nosniff');
  if (!isolated) return;
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-embedder-policy', 'require-corp');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}

function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.removeHeader('content-length');
  response.writeHead(status, { 'content-type': 'text/plain' }).end(String(status));
}

/** The decoded path; null when it is not a plain one: steps up, backslashes, NUL, broken escapes. */
function pathOf(url = '/'): string | null {
  try {
    const path = decodeURIComponent(url.split(/[?#]/)[0]!);
    const plain = path.startsWith('/') && !path.includes('\\') && !path.includes('\0');
    return plain && !path.split('/').some((step) => step === '..' || step === '.') ? path : null;
  } catch {
    return null;
  }
}

async function inFolders(
  path: string,
  folders: Readonly<Record<string, string>>,
): Promise<{ readonly path: string } | null> {
  for (const [prefix, folder] of Object.entries(folders)) {
    if (!path.startsWith(prefix)) continue;
    const wanted = join(folder, path.slice(prefix.length));
    const real = await realpath(wanted).catch(() => null);
    const root = await realpath(folder);
    if (real?.startsWith(root + sep) && (await stat(real)).isFile()) return { path: real };
  }
  return null;
}

async function sendFile(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) return refuse(response, 404);
  response.setHeader('content-length', found.size);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await new Promise<void>((resolve, reject) => {
    createReadStream(path).on('error', reject).pipe(response).on('close', resolve);
  });
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { receive: receivers = {}, maxBodyBytes = 1e9 }: ServeOptions,
): Promise<void> {
  const receiver = Object.hasOwn(receivers, path) ? receivers[path] : undefined;
  if (!receiver) return refuse(response, 404);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) {
      response.setHeader('connection', 'close');
      return refuse(response, 413);
    }
    chunks.push(chunk);
  }
  await receiver(new Uint8Array(Buffer.concat(chunks)));
  response.writeHead(204).end();
}
