/** Commands that are given an address in place of a path. */
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';

let server: Server;
let origin: string;
let stalled: (response: ServerResponse) => void = () => {};
const asked: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    const [, name] = /^\/nets\/([\w-]+)\.onnx/.exec(request.url!) ?? [];
    if (request.url!.startsWith('/stalled')) {
      response.writeHead(200, { 'content-length': 1000 }).write('begun');
      return stalled(response);
    }
    if (!name) return void response.writeHead(404).end();
    const bytes = readFileSync(shippedModel(name));
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  asked.length = 0;
});
afterEach(() => w.remove());

const textOf = (name: string) => readFileSync(w.path(name), 'utf8');

describe('a model on the web', () => {
  it('is compressed into the folder where one is, and its query stays out of reports', async () => {
    const url = `${origin}/nets/glyphs-cnn.onnx?key=s3cret`;
    const { code, stdout, stderr } = await w.run([url, '--int8', '--no-measure']);
    expect(stderr).toMatch(/fetch +glyphs-cnn\.onnx · 1 file, /);
    expect(code).toBe(0);
    const names = w.listing().map((line) => line.split(' ')[0]!);
    expect(names).toEqual(
      ['onnx', 'report.html', 'report.json', 'report.md'].map((ending) => `glyphs-cnn.int8.${ending}`),
    );
    for (const text of [stdout, stderr, ...names.map(textOf)]) expect(text).not.toContain('s3cret');
    expect(textOf('glyphs-cnn.int8.report.md')).toContain(`${origin}/nets/glyphs-cnn.onnx`);
    expect(asked).toEqual(['/nets/glyphs-cnn.onnx?key=s3cret']);
  });

  it('is bundled under its own name', async () => {
    const { code } = await w.run(['bundle', `${origin}/nets/glyphs-mlp.onnx?v=2`, '--targets', 'node', '-q']);
    expect(code).toBe(0);
    const manifest = JSON.parse(textOf('glyphs-mlp.bundle/edgepress.json'));
    expect(manifest.name).toBe('glyphs-mlp');
  });

  it('is inspected, converted and compared as a file is', async () => {
    const [url, file] = [`${origin}/nets/glyphs-mlp.onnx`, shippedModel('glyphs-mlp')];
    const [ofUrl, ofFile] = [
      await w.run(['inspect', url, '--json']),
      await w.run(['inspect', file, '--json']),
    ];
    expect(JSON.parse(ofUrl.stdout)).toEqual(JSON.parse(ofFile.stdout));
    expect((await w.run(['convert', url, 'web/'])).code).toBe(0);
    expect((await w.run(['ort', url])).code).toBe(0);
    expect(w.listing().join('\n')).toMatch(/glyphs-mlp\.ort[\s\S]*web\/model\.json/);
    const pictures = [`${origin}/nets/glyphs-cnn.onnx`, shippedModel('glyphs-cnn'), '--data', data('glyphs')];
    const { stdout } = await w.run(['compare', ...pictures, '--evaluate', '8', '--json']);
    expect(JSON.parse(stdout).compare.outputs[0].maxAbsError).toBe(0);
  });

  it.each(['compress', 'inspect', 'generate'])('leaves %s to be stopped while it comes', async (command) => {
    const running = new Promise<void>((resolve) => {
      stalled = () => resolve();
    });
    const words = {
      compress: [`${origin}/stalled.onnx`, '--int8'],
      inspect: ['inspect', `${origin}/stalled.onnx`],
      generate: ['generate', `${origin}/stalled.onnx`, '--ids', '--prompt', '1 2'],
    }[command]!;
    let stop: () => void = () => {};
    const ended = w.start(words, { onStart: (child) => (stop = () => child.kill('SIGINT')) });
    await running;
    stop();
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped\. Nothing was written\.\n$/);
    expect(w.listing()).toEqual([]);
  });

  it('that is not there is said with its address, without the query', async () => {
    const { code, stderr } = await w.run([`${origin}/nothing?key=s3cret`, '--int8']);
    expect(code).toBe(2);
    expect(stderr).toContain(`${origin}/nothing answers 404 Not Found`);
    expect(stderr).not.toContain('s3cret');
  });
});
