/** The Node service, as its README starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModel } from '../../examples/build-models.ts';

describe('examples/node-service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-service-'));
  const bundle = join(folder, 'model');
  let service: Service;
  beforeAll(async () => {
    buildModel(bundle, 'node');
    service = await start(bundle);
  });
  afterAll(() => {
    service?.process.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const post = (body: Uint8Array) => fetch(service.url, { method: 'POST', body: new Uint8Array(body) });

  it('classifies pictures with the variant for the CPU', async () => {
    for (const symbol of ['star', 'house', 'moon']) {
      const response = await post(readFileSync(`fixtures/data/glyphs/${symbol}/00.png`));
      expect(response.status).toBe(200);
      const { variant, classes } = await response.json();
      expect(variant).toBe('node-int8');
      expect(classes[0].label).toBe(symbol);
      expect(classes[0].share).toBeGreaterThan(0.5);
    }
  });

  it('refuses what is no picture, what is too large, and other requests', async () => {
    expect((await post(readFileSync('package.json'))).status).toBe(415);
    expect((await post(new Uint8Array())).status).toBe(415);
    expect((await fetch(service.url)).status).toBe(405);
    expect((await fetch(new URL('/', service.url))).status).toBe(404);
    const large = await post(new Uint8Array(11e6)).then(
      (response) => response.status,
      // The service hangs up while the body is still being sent: a client may see that first.
      () => 413,
    );
    expect(large).toBe(413);
    expect((await post(readFileSync('fixtures/data/glyphs/key/00.png'))).status).toBe(200);
  });

  it('ends when told to', async () => {
    const ended = new Promise((done) => service.process.once('exit', done));
    service.process.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('does not start on a model file that was changed', async () => {
    const damaged = join(folder, 'damaged');
    cpSync(bundle, damaged, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(damaged, 'edgepress.json'), 'utf8'));
    const file = join(damaged, manifest.variants[0].parts[0].files[0].path);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
    await expect(start(damaged)).rejects.toThrow(/not the file that the manifest names/);
  });
});

interface Service {
  readonly process: ChildProcess;
  readonly url: string;
}

function start(model: string): Promise<Service> {
  const env = { ...process.env, MODEL: model, PORT: '0' };
  const child = spawn(process.execPath, ['examples/node-service/server.js'], { env });
  let text = '';
  return new Promise((done, fail) => {
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const url = /http:\S+/.exec(text)?.[0];
      if (url) done({ process: child, url });
    });
    child.once('exit', () => fail(new Error(text)));
  });
}
