/** The lab's web server. Hands out a fixed list of files, takes two kinds of messages, runs nothing that it is sent.
 *  GET for files, POST for messages, both from this origin only; small headers, small bodies, little time for them. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { labPort, labRefused } from '../../support/diagnostics/lab.ts';
import { Diagnostic, messageOf } from '../../support/diagnostics.ts';
import type { LabFile } from './files.ts';
import { messageLimits } from './limits.ts';
import { joinSchema, messageSchema } from './messages.ts';
import type { Roster } from './roster.ts';

interface LabServerOptions {
  readonly roster: Roster;
  readonly files: ReadonlyMap<string, LabFile>;
  /** 127.0.0.1, or 0.0.0.0 for the network. */
  readonly address: string;
  /** 0: a free one. */
  readonly port: number;
  /** Names by which pages may call it; others are refused, as a foreign page could make its name lead here. */
  readonly hosts: readonly string[];
  readonly certificate?: { readonly key: string; readonly cert: string } | undefined;
  /** A known device asked for something. */
  readonly onActivity?: (() => void) | undefined;
}

export interface LabServer {
  readonly port: number;
  /** Ends open connections too. */
  close(): Promise<void>;
}

const limits: ServerOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
/** A browser opens up to six. */
const maxConnections = 1024;
/** A connection on which nothing moves, a stalled download among them. */
const silenceMs = 60_000;

/** @throws LAB_PORT */
export async function startLabServer(options: LabServerOptions): Promise<LabServer> {
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, server, options).catch((error: unknown) => fail(response, error));
  };
  const server: Server = options.certificate
    ? createSecureServer({ ...limits, ...options.certificate }, handle)
    : createServer(limits, handle);
  server.maxConnections = maxConnections;
  server.setTimeout(silenceMs);
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(labPort(options.port, reasonOf(error), error)));
    server.listen(options.port, options.address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') return 'another program uses it';
  if (error.code === 'EACCES') return 'this user may not open it';
  return messageOf(error);
}

const headers: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  // Threads need both; a page elsewhere can neither frame nor load what is here.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    // LiteRT.js fetches its .wasm file from the page's own memory.
    "connect-src 'self' blob:",
    "style-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'permissions-policy': 'screen-wake-lock=(self), camera=(), microphone=(), geolocation=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  server: Server,
  options: LabServerOptions,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const origin = originOf(request, server, options);
  if (origin === null) return refuse(response, 421, 'The lab has another name.');
  const path = pathOf(request.url);
  if (path === null) return refuse(response, 400, 'That is not a path.');
  if (path === '/api/join' || path === '/api/message') {
    if (request.method !== 'POST') return refuseMethod(response, 'POST');
    return takeMessage(request, response, { path, origin, options });
  }
  const file = options.files.get(path);
  if (!file) return refuse(response, 404, 'There is nothing here.');
  if (request.method !== 'GET') return refuseMethod(response, 'GET');
  if (file.secret) {
    options.roster.find(sessionOf(request));
    options.onActivity?.();
  }
  await sendFile(response, file);
}

/** The lab's own origin as this client calls it; null when that is none of its names. */
function originOf(
  request: IncomingMessage,
  server: Server,
  { hosts, certificate }: LabServerOptions,
): string | null {
  const { port } = server.address() as AddressInfo;
  const host = request.headers.host ?? '';
  const scheme = certificate ? 'https' : 'http';
  return namesOf(hosts, port, scheme).includes(host) ? `${scheme}://${host}` : null;
}

/** How browsers call a server in the Host header: they leave the scheme's usual port out. */
export const namesOf = (hosts: readonly string[], port: number, scheme: 'http' | 'https'): string[] => {
  const usual = port === { http: 80, https: 443 }[scheme];
  return hosts.flatMap((name) => [`${name}:${port}`, ...(usual ? [name] : [])]);
};

/** The decoded path; null when it is not a plain one. The list of files decides what there is; this keeps out what some
 *  other layer could read differently. */
export function pathOf(url = '/'): string | null {
  try {
    const path = decodeURIComponent(url.split(/[?#]/)[0]!);
    const plain = path.startsWith('/') && !/[\\\p{Cc}%]/u.test(path);
    return plain && !path.split('/').some((step) => step === '..' || step === '.') ? path : null;
  } catch {
    return null;
  }
}

/** @throws LAB_SESSION */
function sessionOf(request: IncomingMessage): string {
  const given = /^Bearer ([\w-]{1,100})$/.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) throw labRefused('LAB_SESSION', 'This needs the key of a device that has joined.');
  return given;
}

async function takeMessage(
  request: IncomingMessage,
  response: ServerResponse,
  { path, origin, options }: { path: string; origin: string; options: LabServerOptions },
): Promise<void> {
  const { roster, onActivity } = options;
  if (request.headers.origin !== origin) return refuse(response, 403, 'Only the lab page may send messages.');
  if (!/^application\/json(;|$)/.test(request.headers['content-type'] ?? ''))
    return refuse(response, 415, 'Messages are application/json.');
  const body = await readBody(request);
  if (body === null) return refuse(response, 413, `Messages have at most ${messageLimits.bodyBytes} bytes.`);
  if (path === '/api/join') {
    const reply = roster.join(parse(joinSchema, body));
    onActivity?.();
    return sendJson(response, 200, reply);
  }
  const session = sessionOf(request);
  roster.find(session);
  roster.take(session, parse(messageSchema, body));
  onActivity?.();
  response.writeHead(204).end();
}

/** null when it is too long; what is left is not read then. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > messageLimits.bodyBytes) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop destroys the stream by default, and the answer with it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > messageLimits.bodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws LAB_REQUEST naming the first thing that is wrong, not what was sent */
function parse<T>(schema: z.ZodType<T>, body: string): T {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw labRefused('LAB_REQUEST', 'The message is not JSON.');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw labRefused(
    'LAB_REQUEST',
    `The message is not valid at "${issue?.path.join('.') ?? ''}" (${issue?.code}).`,
  );
}

async function sendFile(response: ServerResponse, file: LabFile): Promise<void> {
  response.setHeader('content-type', file.type);
  if (file.kept) response.setHeader('cache-control', 'private, max-age=3600');
  if ('bytes' in file.content) {
    response.setHeader('content-length', file.content.bytes.length);
    response.end(file.content.bytes);
    return;
  }
  const { path } = file.content;
  const { size } = await stat(path);
  response.setHeader('content-length', size);
  // Whoever leaves in the middle (a reload) is nobody's error.
  await pipeline(createReadStream(path, { end: Math.max(0, size - 1) }), response).catch(() =>
    response.destroy(),
  );
}

const statuses: Readonly<Record<string, number>> = {
  LAB_TOKEN: 403,
  LAB_FULL: 403,
  LAB_SESSION: 401,
  LAB_FINISHED: 409,
  LAB_REPEATED: 409,
  LAB_MESSAGE: 422,
  LAB_REQUEST: 400,
};

function fail(response: ServerResponse, error: unknown): void {
  const status = error instanceof Diagnostic ? statuses[error.code] : undefined;
  if (error instanceof Diagnostic && status) refuse(response, status, error.message, error.code);
  else refuse(response, 500, 'The lab could not answer.');
}

function refuse(response: ServerResponse, status: number, message: string, code = 'LAB_REQUEST'): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What the client still sends is not read.
  response.setHeader('connection', 'close');
  sendJson(response, status, { error: { code, message } });
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('allow', allowed);
  refuse(response, 405, `Only ${allowed} works here.`);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  });
  response.end(body);
}
