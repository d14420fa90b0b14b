import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LoadOptions, loadModel } from '../../src/runtime/index.ts';
import { makeBundle } from './bundle.ts';
import { base, type FakeNetwork, type FakeOrt, fakeCaches, fakeNetwork, fakeOrt } from './fake.ts';

const model = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
const other = Uint8Array.from({ length: 3000 }, (_, i) => i * 5);
const input = new Float32Array([1, 2, 3, 4]);
const coded = (code: string, text = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });

describe('loading a bundle', () => {
  let files: Map<string, Uint8Array>;
  let network: FakeNetwork;
  let stored: ReturnType<typeof fakeCaches>;
  let fake: FakeOrt;
  const load = (options: LoadOptions = {}) => loadModel(base, { ort: fake.ort, ...options });

  beforeEach(() => {
    files = makeBundle([
      { name: 'first', model, shards: 3, precision: 'int8', sessionConfig: { 'session.x': '1' } },
      { name: 'second', model: other },
    ]).files;
    network = fakeNetwork(files);
    stored = fakeCaches();
    fake = fakeOrt();
  });
  afterEach(() => vi.unstubAllGlobals());

  it('fetches the chosen variant only, counts its bytes and runs it', async () => {
    const seen: number[] = [];
    const loaded = await load({ onProgress: ({ loaded, total }) => seen.push(loaded / total) });
    expect(network.requests.map((r) => r.path).sort()).toEqual([
      'edgepress.json',
      'onnx/first.onnx.1',
      'onnx/first.onnx.2',
      'onnx/first.onnx.3',
    ]);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await loaded.run({ input })).toEqual({
      output: { type: 'float32', data: new Float32Array([2, 4, 6, 8]), dims: [1, 4] },
    });
    expect(fake.options[0]).toMatchObject({ extra: { 'session.x': '1' } });
    expect(loaded.info).toMatchObject({ variant: 'first', provider: 'wasm', threads: 1, cache: 'stored' });
  });

  it('takes the folder with or without its slash, and the manifest itself', async () => {
    for (const url of [base.slice(0, -1), `${base}edgepress.json`, new URL(base)])
      expect((await loadModel(url, { ort: fake.ort })).info.variant).toBe('first');
  });

  it('refuses a size that no memory holds, naming the manifest', async () => {
    const manifest = JSON.parse(new TextDecoder().decode(files.get('edgepress.json')));
    const [part] = manifest.variants[0].parts;
    Object.assign(part, { bytes: 2 ** 52, files: [{ ...part.files[0], bytes: 2 ** 52 }] });
    files.set('edgepress.json', Buffer.from(JSON.stringify(manifest)));
    await expect(load({ cache: false, variant: 'first' })).rejects.toEqual(coded('MANIFEST_INVALID', base));
  });

  it('asks once more past the HTTP cache when a hash is wrong, then gives up naming the file', async () => {
    let bad = 1;
    network.answer = (path) => (path === 'onnx/first.onnx.2' && bad-- > 0 ? new Response('old') : null);
    await load({ cache: false });
    const asked = () => network.requests.filter((r) => r.path === 'onnx/first.onnx.2').map((r) => r.cache);
    expect(asked()).toEqual(['default', 'reload']);
    bad = 2;
    await expect(load({ cache: false })).rejects.toEqual(coded('HASH_MISMATCH', 'onnx/first.onnx.2'));
    bad = 9;
    network.answer = (path) => (path === 'onnx/first.onnx.2' && bad-- > 0 ? new Response(model) : null);
    await expect(load({ cache: false })).rejects.toEqual(coded('HASH_MISMATCH', 'more bytes'));
    expect(fake.created).toHaveLength(1);
  });

  it('tells a missing file from a failing server and a broken connection', async () => {
    const answers: [Response | Error, string][] = [
      [new Response('', { status: 404 }), 'SHARD_MISSING'],
      [new Response('', { status: 503 }), 'FETCH_FAILED'],
      [new TypeError('Failed to fetch'), 'FETCH_FAILED'],
    ];
    for (const [answer, code] of answers) {
      network.answer = (path) => {
        if (path !== 'onnx/first.onnx.3') return null;
        if (answer instanceof Error) throw answer;
        return answer;
      };
      await expect(load()).rejects.toEqual(coded(code, 'onnx/first.onnx.3'));
    }
  });

  it('refuses an answer from another origin', async () => {
    network.answer = (path) => {
      const response = new Response(files.get(path) as Uint8Array<ArrayBuffer>);
      Object.defineProperty(response, 'url', { value: `https://elsewhere.example/${path}` });
      return response;
    };
    await expect(load()).rejects.toEqual(coded('FETCH_FAILED', 'another origin'));
  });

  it('opens from the cache without a network, and verifies again', async () => {
    await load();
    network.answer = () => {
      throw new TypeError('Failed to fetch');
    };
    expect((await load()).info).toMatchObject({ offline: true, cache: 'hit', variant: 'first' });
    const entries = stored.get('edgepress-1')!;
    const key = [...entries.keys()].find((k) => !k.endsWith('manifest'))!;
    entries.set(key, new Response('spoilt'));
    await expect(load()).rejects.toEqual(coded('FETCH_FAILED'));
    await expect(load({ cache: false })).rejects.toEqual(coded('FETCH_FAILED', 'edgepress.json'));
  });

  it('keeps the last good manifest when a login page answers in its place', async () => {
    await load();
    network.answer = (path) => (path === 'edgepress.json' ? new Response('<html>') : null);
    expect((await load()).info.offline).toBe(true);
    stored.clear();
    await expect(load()).rejects.toEqual(coded('MANIFEST_INVALID', 'not JSON'));
  });

  it('drops files of older versions, and caches of older runtimes, but not what others keep', async () => {
    stored.set('edgepress-0', new Map());
    stored.set('app', new Map());
    await load();
    const entries = stored.get('edgepress-1')!;
    entries.set(`${base}other/?edgepress=abc`, new Response('a bundle below this one'));
    expect(entries.size).toBe(5);
    files.clear();
    for (const [path, bytes] of makeBundle([{ name: 'third', model: other }]).files) files.set(path, bytes);
    await load();
    expect(entries.size).toBe(3);
    expect([...stored.keys()].sort()).toEqual(['app', 'edgepress-1']);
    await load({ cache: 'mine' });
    expect(stored.get('mine')!.size).toBe(2);
  });

  it('goes without a cache where there is none', async () => {
    vi.stubGlobal('caches', undefined);
    expect((await load()).info.cache).toBe('unavailable');
    expect((await load({ cache: false })).info.cache).toBe('off');
  });

  it('tries the next variant when one cannot be created, and says which', async () => {
    let failures = 1;
    fake.create = () => {
      if (failures-- > 0) throw new Error('no kernel for FancyOp');
    };
    const { info } = await load();
    expect(info).toMatchObject({
      variant: 'second',
      reason: 'first on wasm failed: no kernel for FancyOp',
      tried: [{ variant: 'first', provider: 'wasm', error: 'no kernel for FancyOp' }],
    });
    failures = 2;
    await expect(load()).rejects.toEqual(coded('PROVIDER_FAILED', 'second on wasm: no kernel for FancyOp'));
  });

  it('repeats a run on the next variant after a crash, but not after a refusal', async () => {
    const loaded = await load();
    fake.run = () => {
      throw new Error('Non-zero status code: shapes differ');
    };
    await expect(loaded.run({ input })).rejects.toEqual(coded('RUN_FAILED', 'shapes differ'));
    expect(loaded.info.variant).toBe('first');
    let crashes = 1;
    fake.run = () => {
      if (crashes-- > 0) throw new WebAssembly.RuntimeError('unreachable');
    };
    const [a, b] = await Promise.all([loaded.run({ input }), loaded.run({ input })]);
    expect([a['output']!.data[3], b['output']!.data[3]]).toEqual([8, 8]);
    expect(loaded.info).toMatchObject({ variant: 'second', reason: 'first on wasm failed: unreachable' });
  });

  it('runs one at a time, drops aborted ones, and stops those that wait when disposed', async () => {
    const loaded = await load();
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    fake.run = async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running--;
    };
    const stop = new AbortController();
    const first = loaded.run({ input });
    const second = loaded.run({ input }, { signal: stop.signal });
    const third = loaded.run({ input });
    stop.abort();
    await expect(second).rejects.toEqual(coded('ABORTED'));
    await vi.waitFor(() => expect(gates).toHaveLength(1));
    const disposal = loaded.dispose();
    gates[0]!();
    await first;
    await expect(third).rejects.toEqual(coded('DISPOSED'));
    await disposal;
    await loaded.dispose();
    await expect(loaded.run({ input })).rejects.toEqual(coded('DISPOSED'));
    expect([most, fake.released]).toEqual([1, 1]);
  });

  it('stops loading when told to', async () => {
    await expect(load({ signal: AbortSignal.abort() })).rejects.toEqual(coded('ABORTED'));
    const stop = new AbortController();
    await expect(load({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toEqual(
      coded('ABORTED'),
    );
    expect(fake.created).toEqual([]);
  });

  it('verifies hashes on plain http too, where pages have no Web Crypto', async () => {
    vi.stubGlobal('crypto', {});
    expect((await load()).info.variant).toBe('first');
    files.set('onnx/first.onnx.1', new Uint8Array(files.get('onnx/first.onnx.1')!.length));
    await expect(load({ cache: false })).rejects.toEqual(coded('HASH_MISMATCH', 'onnx/first.onnx.1'));
  });

  it('says what the bundle has when nothing fits', async () => {
    await expect(load({ variant: 'third' })).rejects.toEqual(coded('NO_VARIANT', 'first (wasm)'));
    await expect(load({ provider: 'webgpu' })).rejects.toEqual(coded('NO_VARIANT', 'webgpu asked for'));
  });

  it('names the input that does not fit', async () => {
    const loaded = await load();
    const wrong: [Record<string, unknown>, string][] = [
      [{}, '"input" (float32 [N,4]) is missing'],
      [{ input, more: input }, 'No input is called "more"'],
      [{ input: new Float32Array(5) }, "doesn't fit 5 values"],
      [{ input: { data: input, dims: [2, 3] } }, '[2,3]'],
      [{ input: ['a', 'b', 'c', 'd'] }, 'got texts'],
      [{ input: {} }, 'takes an array'],
    ];
    for (const [inputs, text] of wrong)
      await expect(loaded.run(inputs as never)).rejects.toEqual(coded('INPUT_INVALID', text));
    const eight = await loaded.run({ input: [1, 2, 3, 4, 5, 6, 7, 8] });
    expect(eight['output']!.dims).toEqual([2, 4]);
  });
});
