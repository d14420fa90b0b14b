/** Models from a web server that does what servers do, and what they shouldn't. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { fetchModel } from '../../../src/model/formats/fetch-model.ts';
import { onnxFormat } from '../../../src/model/formats/onnx/format.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import { labelsOf } from '../../../src/model/ir/card.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { runModel } from '../../run-model.ts';

type Answer = Uint8Array | ((request: IncomingMessage, response: ServerResponse) => void);

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** y = x · W + b as Keras saves it: kernel 2 × 2 and bias, in two files that part the kernel in the middle. */
const layers = text({
  modelTopology: {
    model_config: {
      class_name: 'Sequential',
      config: {
        name: 'net',
        layers: [
          {
            class_name: 'Dense',
            config: {
              name: 'dense',
              units: 2,
              activation: 'linear',
              use_bias: true,
              batch_input_shape: [null, 2],
              dtype: 'float32',
            },
          },
        ],
      },
    },
  },
  weightsManifest: [
    {
      paths: ['group1-shard1of2.bin', './group1-shard2of2.bin'],
      weights: [
        { name: 'dense/kernel', shape: [2, 2], dtype: 'float32' },
        { name: 'dense/bias', shape: [2], dtype: 'float32' },
      ],
    },
  ],
});
const shards = [floats(1, 2, 3), floats(4, 10, 20)] as const;

/** [1, 1] · W, with W in a file beside the model. */
const outside = onnxFormat.write!(
  buildKernel((b) => {
    const x = b.input('x', 'float32', [1, 2]);
    const w = b.constant(tensorOf('float32', [2, 2], Float32Array.from([1, 2, 3, 4])), 'w');
    b.output('y', b.op('MatMul', [x, w]), 'float32', [1, 2]);
  }, 17),
  { name: 'net.onnx', externalAboveBytes: 0 },
).map(({ name, pieces }) => ({ name, bytes: Uint8Array.from([...pieces()].flatMap((p) => [...p])) }));

let server: Server;
let origin: string;
/** What the server has, by path; a test adds to it. */
const site = new Map<string, Answer>();
const asked: string[] = [];

const put = (folder: string, files: Readonly<Record<string, Answer>>) => {
  for (const [name, answer] of Object.entries(files)) site.set(`${folder}${name}`, answer);
};
const keras = {
  'model.json': layers,
  'group1-shard1of2.bin': shards[0],
  'group1-shard2of2.bin': shards[1],
};

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    const answer = site.get(request.url!.replace(/\?.*/, ''));
    if (typeof answer === 'function') return answer(request, response);
    if (!answer) return void response.writeHead(404).end('no such file');
    response.writeHead(200, { 'content-length': answer.length }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  site.clear();
  asked.length = 0;
});

const engine = await openEngine();
const run = async (opened: Awaited<ReturnType<typeof fetchModel>>) => {
  const [input] = opened.model.graph.inputs;
  const feeds = { [input!.name]: tensorOf('float32', [1, 2], Float32Array.from([1, 1])) };
  const [output] = Object.values(await runModel(engine, opened.model, feeds));
  return [...new Float32Array(output!.bytes().slice().buffer)];
};
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('a model on the web', () => {
  it('comes with its weights, each asked for with the query of its address', async () => {
    put('/net/', keras);
    const opened = await fetchModel(`${origin}/net/model.json?tfjs-format=file`);
    expect(await run(opened)).toEqual([14, 26]);
    expect(opened.name).toBe('model.json');
    expect(opened.files.map((file) => [file.name, file.path])).toEqual(
      Object.keys(keras).map((name) => [name, null]),
    );
    expect(asked.sort()).toEqual(
      [...Object.keys(keras), 'metadata.json'].sort().map((name) => `/net/${name}?tfjs-format=file`),
    );
  });

  it('is found in a folder, with the class names that Teachable Machine puts there', async () => {
    put('/models/XyZ/', { ...keras, 'metadata.json': text({ labels: ['cat', 'dog'], imageSize: 224 }) });
    const opened = await fetchModel(`${origin}/models/XyZ/`);
    expect(labelsOf(opened.model)).toEqual(['cat', 'dog']);
    put('/onnx/', { 'model.onnx': outside[0]!.bytes, [outside[1]!.name]: outside[1]!.bytes });
    expect(await run(await fetchModel(`${origin}/onnx/`))).toEqual([4, 6]);
  });

  it('is ONNX with its data beside it, or without a name that says so', async () => {
    put('/a/', { latest: outside[0]!.bytes, [outside[1]!.name]: outside[1]!.bytes });
    const opened = await fetchModel(`${origin}/a/latest`);
    expect(await run(opened)).toEqual([4, 6]);
    expect(opened.sizeBytes).toBe(outside[0]!.bytes.length + outside[1]!.bytes.length);
  });

  it('is in an archive, named after it', async () => {
    put('/', { 'my-model.zip': zipSync(keras) });
    const opened = await fetchModel(`${origin}/my-model.zip`);
    expect(opened.name).toBe('my-model.json');
    expect(await run(opened)).toEqual([14, 26]);
    expect(asked).toEqual(['/my-model.zip']);
  });

  it('is cut behind the outputs asked for', async () => {
    put('/a/', { 'net.onnx': outside[0]!.bytes, [outside[1]!.name]: outside[1]!.bytes });
    await expect(fetchModel(`${origin}/a/net.onnx`, { outputs: ['nothing'] })).rejects.toEqual(
      refused('OUTPUT_UNKNOWN', /nothing/),
    );
  });

  it('is followed where it has moved, and its weights are looked for beside the address given', async () => {
    put('/net/', {
      ...keras,
      'model.json': (_, response) => void response.writeHead(302, { location: '/store/42' }).end(),
    });
    put('/store/', { 42: layers });
    expect(await run(await fetchModel(`${origin}/net/model.json`))).toEqual([14, 26]);
  });

  it('comes compressed for the transfer, where its length is that of other bytes', async () => {
    const packed = gzipSync(layers);
    put('/net/', {
      ...keras,
      'model.json': (_, response) =>
        void response
          .writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length })
          .end(packed),
    });
    expect(await run(await fetchModel(`${origin}/net/model.json`))).toEqual([14, 26]);
  });

  it('says how far it has come, up to all of its bytes', async () => {
    put('/net/', keras);
    const told: [number, number][] = [];
    await fetchModel(`${origin}/net/model.json`, { onProgress: (...now) => told.push(now) });
    const all = layers.length + 24;
    expect(told.at(-1)).toEqual([all, all]);
    expect(told.every(([done, total], i) => done <= total && done > (told[i - 1]?.[0] ?? 0))).toBe(true);
  });
});

describe('what can be wrong with it', () => {
  const weights = '/net/group1-shard2of2.bin';
  it.each<[string, string, RegExp, () => string]>([
    [
      'not there',
      'URL_STATUS',
      /\/other\/model\.json answers 404 Not Found; a model/,
      () => '/other/model.json?key=s3cret',
    ],
    ['a folder without one', 'MODEL_NOT_FOUND_IN', /\/other\/ holds no model/, () => '/other/'],
    [
      'weights that are not there',
      'URL_STATUS',
      /shard2of2\.bin, which model\.json names, answers 404/,
      () => {
        site.delete(weights);
        return '/net/model.json';
      },
    ],
    [
      'a page where weights should be',
      'URL_IS_PAGE',
      /shard2of2\.bin, which model\.json names, is a web page/,
      () => {
        site.set(
          weights,
          (_, r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<p>Not here'),
        );
        return '/net/model.json';
      },
    ],
    [
      'a page',
      'URL_IS_PAGE',
      /\/page is a web page; a model/,
      () => {
        site.set(
          '/page',
          (_, r) => void r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>'),
        );
        return '/page';
      },
    ],
    [
      'something else',
      'NOT_ONNX',
      /picture/,
      () => {
        site.set('/picture', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]));
        return '/picture';
      },
    ],
    [
      'a server in trouble',
      'URL_STATUS',
      /answers 503/,
      () => {
        site.set('/net/model.json', (_, r) => void r.writeHead(503).end());
        return '/net/';
      },
    ],
    [
      'fewer bytes than its weights take',
      'TFJS_WEIGHTS_SHORT',
      /dense\/bias/,
      () => {
        site.set(weights, floats(4));
        return '/net/model.json';
      },
    ],
    [
      'fewer bytes than its header says',
      'URL_CUT_OFF',
      /shard2of2\.bin ended after 8 bytes/,
      () => {
        site.set(weights, (_, r) => {
          r.writeHead(200, { 'content-length': 12 }).write(floats(4, 10));
          setTimeout(() => r.destroy(), 50);
        });
        return '/net/model.json';
      },
    ],
    [
      'a redirect without end',
      'URL_UNREACHABLE',
      /redirect/,
      () => {
        site.set('/round', (_, r) => void r.writeHead(302, { location: '/round' }).end());
        return '/round';
      },
    ],
  ])('%s', async (_, code, message, prepare) => {
    put('/net/', keras);
    await expect(fetchModel(origin + prepare())).rejects.toEqual(refused(code, message));
  });

  it.each([
    ['a folder above', '../other/w.bin', 'EXTERNAL_DATA_PATH'],
    ['another server', 'http://127.0.0.1:9/w.bin', 'EXTERNAL_DATA_PATH'],
    ['another server of no scheme', '//127.0.0.1:9/w.bin', 'EXTERNAL_DATA_PATH'],
    ['a way up in disguise', '%2e%2e/w.bin', 'EXTERNAL_DATA_PATH'],
  ])('weights in %s are not asked for', async (_, path, code) => {
    const json = JSON.parse(new TextDecoder().decode(layers));
    json.weightsManifest[0].paths = [path];
    put('/net/', { 'model.json': text(json) });
    await expect(fetchModel(`${origin}/net/model.json`)).rejects.toEqual(expect.objectContaining({ code }));
    expect(asked).toEqual(['/net/model.json']);
  });

  it('more bytes than it may have, said or not, for all its files together', async () => {
    put('/net/', keras);
    const limits = { bytes: layers.length + 20 };
    await expect(fetchModel(`${origin}/net/model.json`, { limits })).rejects.toEqual(
      refused('URL_TOO_LARGE', /has 12 bytes/),
    );
    site.set('/endless', (_, r) => {
      r.writeHead(200);
      const more = () => {
        if (r.destroyed) return;
        r.write(new Uint8Array(1000));
        setImmediate(more);
      };
      more();
    });
    await expect(fetchModel(`${origin}/endless`, { limits: { bytes: 5000 } })).rejects.toEqual(
      refused('URL_TOO_LARGE', /goes on beyond the 5000 bytes/),
    );
  });

  it('a server that says nothing, or no more', async () => {
    const limits = { answerMs: 100, idleMs: 100 };
    site.set('/silent', () => {});
    await expect(fetchModel(`${origin}/silent`, { limits })).rejects.toEqual(
      refused('URL_TIMEOUT', /no answer came for 0\.1 seconds/),
    );
    site.set('/stalled', (_, r) => void r.writeHead(200, { 'content-length': 100 }).write('begun'));
    await expect(fetchModel(`${origin}/stalled`, { limits: { idleMs: 100 } })).rejects.toEqual(
      refused('URL_TIMEOUT', /nothing more came for 0\.1 seconds/),
    );
  });

  it('no such host, nobody at the port, no such address', async () => {
    await expect(fetchModel('https://nowhere.invalid/model.json')).rejects.toEqual(
      refused('URL_UNREACHABLE', /nowhere\.invalid/),
    );
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(fetchModel(`http://127.0.0.1:${port}/model.json`)).rejects.toEqual(
      refused('URL_UNREACHABLE', /nothing answers/),
    );
    await expect(fetchModel('https://')).rejects.toEqual(refused('URL_INVALID', /form/));
    await expect(fetchModel('https://me:s3cret@example.org/model.json')).rejects.toEqual(
      refused('URL_INVALID', /^https:\/\/example\.org\/model\.json /),
    );
  });

  it('it is no longer wanted', async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      site.set('/slow', (_, r) => {
        r.once('close', resolve);
        r.writeHead(200).write('begun');
        controller.abort(new Error('enough'));
      });
    });
    await expect(fetchModel(`${origin}/slow`, { signal: controller.signal })).rejects.toThrow('enough');
    await closed;
  });

  it('it was given to what opens files', () => {
    expect(() => openModel('https://example.org/model.json?key=s3cret')).toThrow(
      refused('URL_NOT_FILE', /^https:\/\/example\.org\/model\.json is an address/),
    );
  });
});
