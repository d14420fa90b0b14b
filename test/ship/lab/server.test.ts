/** The lab's server as a stranger on the network meets it. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBundle } from '../../../src/ship/lab/bundle.ts';
import { listFiles } from '../../../src/ship/lab/files.ts';
import type { DeviceFacts, JoinReply, Message } from '../../../src/ship/lab/messages.ts';
import { createRoster, type Roster } from '../../../src/ship/lab/roster.ts';
import { type LabServer, namesOf, startLabServer } from '../../../src/ship/lab/server.ts';
import { writeBundle } from './bundle.ts';
import { facts, measured, run } from './device.ts';

const bundle = writeBundle();
let server: LabServer;
let roster: Roster;
let origin = '';

beforeAll(async () => {
  writeFileSync(join(bundle.folder, 'secret.txt'), 'not for phones');
  roster = createRoster({ manifest: bundle.manifest, runtime: '1.30.0', maxDevices: 200 });
  server = await start(roster);
  origin = `http://127.0.0.1:${server.port}`;
});

afterAll(async () => {
  await server?.close();
  rmSync(bundle.folder, { recursive: true, force: true });
});

async function start(of: Roster): Promise<LabServer> {
  const script = new TextEncoder().encode('export {};');
  const files = await listFiles(openBundle(bundle.folder), { main: script, worker: script });
  return startLabServer({
    roster: of,
    files,
    address: '127.0.0.1',
    port: 0,
    hosts: ['127.0.0.1', 'localhost'],
  });
}

interface PostOptions {
  readonly session?: string;
  readonly headers?: Record<string, string>;
  readonly base?: string;
}

function post(path: string, body: unknown, { session, headers = {}, base = origin }: PostOptions = {}) {
  return fetch(base + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      origin: base,
      ...(session === undefined ? {} : { authorization: `Bearer ${session}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const joining = (device: DeviceFacts = facts, token = roster.token, session: string | null = null) =>
  post('/api/join', { token, session, device });
const joined = async () => (await (await joining()).json()) as JoinReply;
const send = (session: string, message: Message) => post('/api/message', message, { session });
const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

/** Bytes as they are: fetch would tidy the path up. @returns the status */
function raw(text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
      if (!status) return;
      socket.destroy();
      resolve(Number(status));
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(0));
  });
}

const rawGet = (path: string, session = '') =>
  raw(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${session && `Authorization: Bearer ${session}\r\n`}\r\n`,
  );

describe('joining', () => {
  it('refuses a wrong token, an empty one, and one that begins like the right one', async () => {
    for (const token of ['', 'x', roster.token.slice(0, -1), `${roster.token}x`, 'é'.repeat(22)]) {
      const response = await joining(facts, token);
      expect([response.status, await codeOf(response)]).toEqual([403, 'LAB_TOKEN']);
    }
  });

  it('gives each device a key of its own for the same token', async () => {
    const [a, b] = await Promise.all([joined(), joined()]);
    expect(a.session).not.toBe(b.session);
    expect(a.id).not.toBe(b.id);
  });

  it('knows a device again after a reload, with what it has sent and begun', async () => {
    const { session, id } = await joined();
    await send(session, { type: 'plan', runs: [run], left: [] });
    await send(session, { type: 'start', run });
    await send(session, { type: 'result', run, outcome: measured });
    const again = (await (await joining(facts, roster.token, session)).json()) as JoinReply;
    expect(again).toMatchObject({ session, id, finished: false, starts: { 'float/wasm/1': 1 } });
    expect(again.done).toEqual([{ run, outcome: measured }]);
  });

  it('needs the token even with a known session key', async () => {
    const { session } = await joined();
    expect((await joining(facts, 'wrong', session)).status).toBe(403);
  });

  it('refuses the token once so many devices have used it as the lab takes', async () => {
    const small = createRoster({ manifest: bundle.manifest, runtime: '1.30.0', maxDevices: 1 });
    const other = await start(small);
    const base = `http://127.0.0.1:${other.port}`;
    const body = { token: small.token, session: null, device: facts };
    const first = (await (await post('/api/join', body, { base })).json()) as JoinReply;
    const second = await post('/api/join', body, { base });
    expect([second.status, await codeOf(second)]).toEqual([403, 'LAB_FULL']);
    // The device that is in stays in.
    expect((await post('/api/join', { ...body, session: first.session }, { base })).status).toBe(200);
    await other.close();
  });
});

describe('results', () => {
  it('are refused from a session that nobody has, and without one', async () => {
    const message: Message = { type: 'finish' };
    for (const session of ['unknown', roster.token, undefined]) {
      const response = await post('/api/message', message, session === undefined ? {} : { session });
      expect([response.status, await codeOf(response)]).toEqual([401, 'LAB_SESSION']);
    }
  });

  it('are taken once: a replayed result changes nothing', async () => {
    const { session, id } = await joined();
    await send(session, { type: 'plan', runs: [run], left: [] });
    expect((await send(session, { type: 'result', run, outcome: measured })).status).toBe(204);
    const replayed = await send(session, { type: 'result', run, outcome: { ...measured, samplesMs: [0.1] } });
    expect([replayed.status, await codeOf(replayed)]).toEqual([409, 'LAB_REPEATED']);
    const device = roster.devices.find((d) => d.id === id)!;
    expect([...device.done.values()]).toEqual([{ run, outcome: measured }]);
  });

  it('are refused from a device that has finished', async () => {
    const { session } = await joined();
    await send(session, { type: 'plan', runs: [run], left: [] });
    await send(session, { type: 'finish' });
    const response = await send(session, { type: 'result', run, outcome: measured });
    expect([response.status, await codeOf(response)]).toEqual([409, 'LAB_FINISHED']);
  });

  it('are refused for what the bundle does not hold or the device did not plan', async () => {
    const { session } = await joined();
    const foreign = { ...run, variant: '__proto__' };
    expect((await send(session, { type: 'plan', runs: [foreign], left: [] })).status).toBe(422);
    expect((await send(session, { type: 'result', run, outcome: measured })).status).toBe(422);
  });

  it('are refused when they do not follow the schema, without quoting what came', async () => {
    const { session } = await joined();
    await send(session, { type: 'plan', runs: [run], left: [] });
    const result = { type: 'result', run, outcome: measured };
    const wrong: unknown[] = [
      'not json',
      '{',
      '[]',
      'null',
      `${'['.repeat(30_000)}`,
      { type: 'shutdown' },
      { ...result, extra: 1 },
      { ...result, outcome: { ...measured, samplesMs: [] } },
      { ...result, outcome: { ...measured, samplesMs: [-1] } },
      { ...result, outcome: { ...measured, samplesMs: new Array(201).fill(1) } },
      { ...result, outcome: { ...measured, createMs: '1' } },
      JSON.stringify(result).replace('"createMs":20', '"createMs":1e999'),
      { ...result, outcome: { kind: 'failed', message: '\u001b[2J' } },
      { ...result, outcome: { kind: 'failed', message: 'a\u202eb' } },
      { ...result, run: { ...run, threads: 1.5 } },
    ];
    for (const body of wrong) {
      const response = await post('/api/message', body, { session });
      expect([response.status, await codeOf(response)], JSON.stringify(body).slice(0, 80)).toEqual([
        400,
        'LAB_REQUEST',
      ]);
    }
    const named = await joining({ ...facts, name: 'Pixel\u001b]0;owned\u0007' });
    expect(await named.text()).not.toContain('owned');
    expect(named.status).toBe(400);
  });
});

describe('requests', () => {
  it('may be 64 kB, said or streamed, and no more', async () => {
    const { session } = await joined();
    const long = JSON.stringify({ type: 'finish', padding: 'x'.repeat(64_000) });
    expect((await post('/api/message', long, { session })).status).toBe(413);
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
    const head = `POST /api/message HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nOrigin: ${origin}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await raw(head + chunk + chunk + chunk)).toBe(413);
  });

  it('may have 8 kB of headers and no more', async () => {
    const padded = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`;
    // Node ends the connection, with 431 where it still can.
    expect([0, 431]).toContain(await raw(padded));
  });

  it('come from the lab page only', async () => {
    const body = { token: roster.token, session: null, device: facts };
    for (const from of ['https://example.com', 'null', `http://127.0.0.1:${server.port + 1}`])
      expect((await post('/api/join', body, { headers: { origin: from } })).status).toBe(403);
    expect((await post('/api/join', body, { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  });

  it('call the lab by its own name', async () => {
    for (const host of ['evil.example', `evil.example:${server.port}`, '127.0.0.1', ''])
      expect(await raw(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toBe(421);
  });

  it('call it without a port where that is the usual one of http or https', () => {
    expect(namesOf(['10.0.0.7'], 80, 'http')).toEqual(['10.0.0.7:80', '10.0.0.7']);
    expect(namesOf(['10.0.0.7'], 443, 'https')).toEqual(['10.0.0.7:443', '10.0.0.7']);
    expect(namesOf(['10.0.0.7'], 443, 'http')).toEqual(['10.0.0.7:443']);
    expect(namesOf(['10.0.0.7'], 4173, 'https')).toEqual(['10.0.0.7:4173']);
  });

  it('are GET for files and POST for messages', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'])
      expect((await fetch(`${origin}/`, { method })).status, method).toBe(405);
    for (const method of ['GET', 'PUT', 'OPTIONS'])
      expect((await fetch(`${origin}/api/join`, { method })).status, method).toBe(405);
  });

  it('get headers that keep other origins out and let threads in', async () => {
    const { headers } = await fetch(`${origin}/`);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.has('access-control-allow-origin')).toBe(false);
  });
});

describe('files', () => {
  const file = '/bundle/onnx/model.onnx.part1of2';

  it('of the bundle go to devices that have joined', async () => {
    expect((await fetch(origin + file)).status).toBe(401);
    const { session } = await joined();
    const response = await fetch(origin + file, { headers: { authorization: `Bearer ${session}` } });
    const { bytes, sha256 } = bundle.manifest.variants[0]!.parts[0]!.files[0]!;
    const body = new Uint8Array(await response.arrayBuffer());
    expect(body.length).toBe(bytes);
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', body)).toString('hex');
    expect(digest).toBe(sha256);
  });

  it('outside of it can not be reached, in any spelling', async () => {
    const { session } = await joined();
    const up = ['..', '%2e%2e', '.%2e', '%252e%252e', '..%00', '%c0%ae%c0%ae', '..;'];
    const slash = ['/', '%2f', '%5c', '\\', '%252f', '//'];
    const targets = up.flatMap((step) =>
      slash.flatMap((sep) => [
        `/bundle${sep}${step}${sep}${step}${sep}etc${sep}passwd`,
        `/bundle/onnx${sep}${step}${sep}secret.txt`,
        `/ort${sep}${step}${sep}package.json`,
      ]),
    );
    const others = [
      ...[
        '/bundle/secret.txt',
        '/bundle/',
        '/bundle',
        '/etc/passwd',
        '//etc/passwd',
        '/ort/',
        '/ort/package.json',
      ],
      ...[
        'http://127.0.0.1/etc/passwd',
        'file:///etc/passwd',
        '/__proto__',
        '/constructor',
        '/%',
        '/bundle/%zz',
      ],
    ];
    for (const path of [...targets, ...others])
      expect([400, 404], path).toContain(await rawGet(path, session));
  });

  it('that are links out of the bundle, missing or of another size stop the lab from starting', () => {
    const other = writeBundle();
    const shard = join(other.folder, 'onnx', 'model.onnx.part2of2');
    const start = () => openBundle(other.folder);
    rmSync(shard);
    expect(start).toThrow(expect.objectContaining({ code: 'BUNDLE_UNREADABLE' }));
    symlinkSync('/etc/hostname', shard);
    expect(start).toThrow(expect.objectContaining({ code: 'BUNDLE_UNREADABLE' }));
    rmSync(shard);
    writeFileSync(shard, 'short');
    expect(start).toThrow(expect.objectContaining({ code: 'BUNDLE_UNREADABLE' }));
    mkdirSync(join(other.folder, 'empty'));
    expect(() => openBundle(join(other.folder, 'empty'))).toThrow(
      expect.objectContaining({ code: 'BUNDLE_NOT_FOUND' }),
    );
    rmSync(other.folder, { recursive: true });
  });
});

it('serves a hundred devices at once and mixes none of them up', async () => {
  const before = roster.devices.length;
  const ids = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const reply = (await (await joining({ ...facts, name: `Phone ${i}` })).json()) as JoinReply;
      const { session } = reply;
      await send(session, { type: 'plan', runs: [run], left: [] });
      const download = await fetch(`${origin}/bundle/onnx/model.onnx.part2of2`, {
        headers: { authorization: `Bearer ${session}` },
      });
      await download.arrayBuffer();
      await send(session, { type: 'result', run, outcome: { ...measured, samplesMs: [i + 1] } });
      expect((await send(session, { type: 'finish' })).status).toBe(204);
      return reply.id;
    }),
  );
  expect(new Set(ids).size).toBe(100);
  expect(roster.devices.length - before).toBe(100);
  for (const device of roster.devices.slice(before)) {
    const number = Number(device.facts.name.replace('Phone ', ''));
    const [first] = device.done.values();
    expect(first?.outcome).toMatchObject({ samplesMs: [number + 1] });
  }
});
