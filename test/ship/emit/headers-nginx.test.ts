/** The header file in a real nginx. Skipped where none is installed. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { headerFiles } from '../../../src/ship/emit/headers.ts';

const nginx = ['/usr/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'].find((path) => {
  try {
    execFileSync(path, ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A site with a page, a bundle at /model/ and a wasm file, served with the bundle's own nginx.conf. */
async function site(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-nginx-'));
  // Started by root, it serves as somebody else.
  chmodSync(folder, 0o755);
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  for (const path of ['index.html', 'model/edgepress.json', 'model/onnx/model.onnx', 'assets/ort.wasm'])
    write(`www/${path}`, '{}');
  const included = headerFiles('/model/', false).find((f) => f.path.endsWith('nginx.conf'))!;
  write('headers.conf', included.bytes);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join('\n');
  write(
    'nginx.conf',
    `daemon off; pid ${join(folder, 'pid')}; error_log ${join(folder, 'error.log')};
events {}
http {
  access_log off; ${temporary}
  types { text/html html; application/json json; }
  server { listen 127.0.0.1:${port}; root ${join(folder, 'www')}; include ${join(folder, 'headers.conf')}; }
}
`,
  );
  const child = spawn(nginx!, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  stops.push(async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}/`;
  await expect
    .poll(
      () =>
        fetch(url).then(
          (r) => r.status,
          () => 0,
        ),
      { timeout: 5000 },
    )
    .toBe(200);
  return url;
}

describe.skipIf(!nginx)('headers/nginx.conf in nginx (skipped: none installed)', () => {
  it('isolates every page, asks before using a kept model, and names the type of wasm', async () => {
    const url = await site();
    const headers = async (path: string) => {
      const response = await fetch(url + path);
      expect(response.status, path).toBe(200);
      return Object.fromEntries(response.headers);
    };
    const isolated = {
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    };
    expect(await headers('index.html')).toMatchObject({ ...isolated, 'content-type': 'text/html' });
    for (const path of ['model/edgepress.json', 'model/onnx/model.onnx'])
      expect(await headers(path)).toMatchObject({
        ...isolated,
        'cache-control': 'no-cache',
        'cross-origin-resource-policy': 'same-origin',
      });
    expect(await headers('assets/ort.wasm')).toMatchObject({
      ...isolated,
      'content-type': 'application/wasm',
      'cross-origin-resource-policy': 'same-origin',
    });
  });
});
