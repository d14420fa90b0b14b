/** A store behind HTTP that is slow is waited for as long as something comes; one that is silent is not. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openStore } from '../../../src/jobs/sweep/store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-http-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends a byte whenever it is told to. */
async function slowServer() {
  let more: (isLast: boolean) => void = () => {};
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const server = createServer((_, response) => {
    response.writeHead(200);
    response.flushHeaders();
    more = (isLast) => (isLast ? response.end() : response.write('x'));
    isAsked();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const store = openStore(`http://127.0.0.1:${port}/`);
  return { store, asked, send: (isLast = false) => more(isLast), close: () => server.close() };
}

const arrival = () => new Promise((resolve) => setImmediate(() => setTimeout(resolve, 50)));

it('takes minutes where bytes keep coming', async () => {
  const { store, asked, send, close } = await slowServer();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  const got = store.get('contents/a', join(folder, 'a'));
  await asked;
  for (let i = 0; i < 4; i++) {
    send();
    await arrival();
    await vi.advanceTimersByTimeAsync(50_000);
  }
  send(true);
  expect(await got).toBe(true);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('xxxx');
  close();
});

it('gives up on one that has gone silent', async () => {
  const { store, asked, send, close } = await slowServer();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  const got = store.get('contents/a', join(folder, 'a'));
  const refused = expect(got).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  await asked;
  send();
  await arrival();
  await vi.advanceTimersByTimeAsync(61_000);
  await refused;
  close();
});
