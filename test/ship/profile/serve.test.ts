import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../../src/ship/profile/page/frame.ts';
import { type Serving, serve } from '../../../src/ship/profile/serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-serve-'));
let server: Serving;
let received: Uint8Array | null = null;
let left = () => {};

beforeAll(async () => {
  mkdirSync(join(folder, 'inside/deeper'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'inside/a.wasm'), 'wasm');
  writeFileSync(join(folder, 'inside/deeper/b.mjs'), 'export {}');
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'inside/link.txt'));
  server = await serve({
    files: new Map([['/index.html', { bytes: '<p>hi' }]]),
    folders: { '/lib/': join(folder, 'inside') },
    isolated: true,
    receive: {
      '/answer': (body) => {
        received = body;
      },
    },
    held: { '/alive': () => left() },
    maxBodyBytes: 10,
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As it is: fetch would tidy the path up before it sends it. */
const raw = (path: string, { method = 'GET', body = '', host = '' } = {}) =>
  new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    const headers = host ? { host } : {};
    request({ hostname, port, path, method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, type: response.headers['content-type'] ?? '', text }),
      );
    })
      .on('error', reject)
      .end(body);
  });

describe('the server of measured pages', () => {
  it('holds a request open, and notices when its page is gone', async () => {
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    const page = new AbortController();
    const response = await fetch(`${server.url}alive`, { signal: page.signal });
    expect(response.status).toBe(200);
    page.abort();
    await gone;
  });

  it('serves what it was given, with its type and the headers of isolation', async () => {
    expect(await raw('/index.html')).toEqual({
      status: 200,
      type: 'text/html; charset=utf-8',
      text: '<p>hi',
    });
    expect(await raw('/lib/a.wasm')).toMatchObject({ status: 200, type: 'application/wasm', text: 'wasm' });
    expect(await raw('/lib/deeper/b.mjs')).toMatchObject({ type: 'text/javascript; charset=utf-8' });
    const { headers } = await fetch(`${server.url}index.html`);
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  });

  it.each([
    '/lib/../secret.txt',
    '/lib/%2e%2e/secret.txt',
    '/lib/..%2fsecret.txt',
    '/lib/..%5csecret.txt',
    '/lib/deeper/../../secret.txt',
    '/lib//../../secret.txt',
    '/lib/link.txt',
    '/lib/%00',
    '/lib/%',
    '/lib/',
    '/lib',
    '/secret.txt',
    'secret.txt',
    '//etc/passwd',
  ])('gives nothing away for %s', async (path) => {
    const { status, text } = await raw(path);
    expect([400, 404]).toContain(status);
    expect(text).not.toContain('secret');
  });

  it('answers no other host name, no other method, no other path to post to', async () => {
    expect((await raw('/index.html', { host: 'evil.example' })).status).toBe(421);
    expect((await raw('/index.html', { method: 'DELETE' })).status).toBe(405);
    expect((await raw('/index.html', { method: 'POST' })).status).toBe(404);
  });

  it('takes a body up to its limit', async () => {
    expect((await raw('/answer', { method: 'POST', body: '0123456789' })).status).toBe(204);
    expect(Buffer.from(received!).toString()).toBe('0123456789');
    expect((await raw('/answer', { method: 'POST', body: '0123456789+' })).status).toBe(413);
  });
});

describe('a message with binary parts', () => {
  it('comes back as it was, Node buffers and empty parts included', () => {
    const value = { a: [{ bytes: Uint8Array.of(1, 2, 3) }, Uint8Array.of()], b: 'text', c: null, d: 1.5 };
    expect(decodeFrame(encodeFrame(value))).toEqual(value);
    const fromBuffer = decodeFrame(encodeFrame({ x: Buffer.from([7, 8]) }));
    expect(fromBuffer).toEqual({ x: Uint8Array.of(7, 8) });
  });

  it('is refused when it is cut short or points outside of itself', () => {
    const frame = encodeFrame({ x: new Uint8Array(64) });
    expect(() => decodeFrame(frame.subarray(0, 40))).toThrow();
    expect(() => decodeFrame(frame.subarray(0, frame.length - 8))).toThrow(RangeError);
    expect(() => decodeFrame(Uint8Array.of(255, 255, 255, 255))).toThrow(RangeError);
  });
});
