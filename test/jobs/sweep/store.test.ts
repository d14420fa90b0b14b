/** Stores: what is written once stays, and what comes back is what its name says. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataTree } from '../../../src/jobs/sweep/content.ts';
import { fetchedContents, putTree } from '../../../src/jobs/sweep/lay-out.ts';
import { s3Store } from '../../../src/jobs/sweep/s3-store.ts';
import { contentName, getContent, openStore, type Store } from '../../../src/jobs/sweep/store.ts';
import { startBucket } from '../../s3.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const at = (name: string) => join(folder, name);

/** A server that keeps what is put there; every third answer is that it is busy. */
async function startServer(): Promise<{ server: Server; url: string; kept: Map<string, Uint8Array> }> {
  const kept = new Map<string, Uint8Array>();
  let asked = 0;
  const server = createServer(async (request, response) => {
    const answer = (status: number, body?: Uint8Array) => {
      response.writeHead(status);
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (++asked % 3 === 0) return answer(503);
    if (request.headers.authorization !== `Basic ${btoa('somebody:hush')}`) return answer(401);
    const known = kept.get(request.url!);
    if (request.method === 'PUT') {
      if (known && request.headers['if-none-match'] === '*') return answer(412);
      kept.set(request.url!, Buffer.concat(parts));
      return answer(201);
    }
    if (request.method === 'DELETE') kept.delete(request.url!);
    return known ? answer(200, known) : answer(404);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { server, url: `http://somebody:hush@127.0.0.1:${port}/a/store`, kept };
}

describe.each(['a folder', 'HTTP', 'S3'])('a store in %s', (kind) => {
  let store: Store;
  let server: Server | undefined;
  beforeEach(async () => {
    if (kind === 'a folder') store = openStore(at('store'));
    if (kind === 'HTTP') {
      const served = await startServer();
      ({ server } = served);
      store = openStore(served.url);
    }
    if (kind === 'S3') {
      const bucket = await startBucket();
      ({ server } = bucket);
      store = s3Store('s3://models/sweeps', bucket.settings);
    }
  });
  afterEach(() => void server?.close());

  it('keeps what came first', async () => {
    expect(await store.read('results/a.json')).toBe(null);
    await store.write('results/a.json', bytes('1'));
    await store.write('results/a.json', bytes('2'));
    expect(String.fromCharCode(...(await store.read('results/a.json'))!)).toBe('1');
    await store.remove('results/a.json');
    expect(await store.has('results/a.json')).toBe(false);
    await store.remove('results/a.json');
  });

  it('gives models and data to another machine as they were', async () => {
    mkdirSync(at('data/class'), { recursive: true });
    writeFileSync(at('data/class/1.txt'), 'one');
    writeFileSync(at('data/2.txt'), 'two');
    const tree = await dataTree(at('data'));
    await putTree(store, tree);
    const place = await fetchedContents(store, at('cache')).pathOf(tree.sha256);
    expect(readFileSync(join(place, 'class/1.txt'), 'utf8')).toBe('one');
    expect((await dataTree(place)).sha256).toBe(tree.sha256);
  });

  it('takes nothing that changed since its hash was taken', async () => {
    writeFileSync(at('a.txt'), 'one');
    const tree = await dataTree(at('a.txt'));
    writeFileSync(at('a.txt'), 'other');
    await expect(putTree(store, tree)).rejects.toMatchObject({ code: 'SWEEP_INPUT_CHANGED' });
    expect(await store.has(contentName(tree.tree.files[0]!.sha256))).toBe(false);
    expect(await store.has(contentName(tree.sha256))).toBe(false);
  });

  it('forgets content that is damaged, which is then put there again', async () => {
    writeFileSync(at('a.txt'), 'one');
    const tree = await dataTree(at('a.txt'));
    const { sha256 } = tree.tree.files[0]!;
    await store.write(contentName(sha256), bytes('half of it'));
    await expect(getContent(store, sha256, at('x'))).rejects.toMatchObject({ code: 'CONTENT_DAMAGED' });
    await putTree(store, tree);
    await getContent(store, sha256, at('x'));
    expect(readFileSync(at('x'), 'utf8')).toBe('one');
  });

  it('says that this machine took no copy, not that the store gave none', async () => {
    writeFileSync(at('a.txt'), 'one');
    const tree = await dataTree(at('a.txt'));
    await putTree(store, tree);
    writeFileSync(at('file'), '');
    const place = at('file/below/a.txt');
    await expect(getContent(store, tree.tree.files[0]!.sha256, place)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });

  it('is not believed: content that is not what its name says is refused', async () => {
    const sha256 = 'a'.repeat(64);
    await expect(getContent(store, sha256, at('x'))).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    await store.write(contentName(sha256), bytes('other'));
    await expect(getContent(store, sha256, at('x'))).rejects.toMatchObject({ code: 'CONTENT_DAMAGED' });
    expect(existsSync(at('x'))).toBe(false);
  });
});

describe('a store behind HTTP', () => {
  it('shows no password', async () => {
    const { server, url } = await startServer();
    expect(openStore(url).name).not.toContain('hush');
    const wrong = openStore(url.replace('hush', 'wrong-word'));
    const refused = await wrong.has('x').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'STORE_ANSWER' });
    expect(String(refused)).not.toContain('wrong-word');
    server.close();
  });

  it('that is not there is said to be so', async () => {
    const { server, url } = await startServer();
    await new Promise((resolve) => server.close(resolve));
    await expect(openStore(url).has('x')).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });
});
