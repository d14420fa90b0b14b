import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { readModelFile, writeModelFile } from '../../../src/model/formats/file.ts';
import { formatOfName, withoutExtension } from '../../../src/model/formats/index.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { printModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { Diagnostic } from '../../../src/support/diagnostics.ts';

/** y = x · W, 16 × 32: the weight is large enough to go into a file of its own. */
const weight = tensorOf(
  'float32',
  [16, 32],
  Float32Array.from({ length: 512 }, (_, i) => Math.sin(i)),
);
const product = (w: Tensor = weight): Model =>
  buildKernel((b) => {
    const x = b.input('x', 'float32', [1, 16]);
    b.output('y', b.op('MatMul', [x, b.constant(w, 'w')]), 'float32', [1, 32]);
  }, 17);

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof Diagnostic) return error.code;
    throw error;
  }
  return 'nothing';
};

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-opened-'));
  writeModelFile(product(), at('plain.onnx'));
  writeModelFile(product(), at('text.onnx.txt'));
  writeModelFile(product(), at('outside.onnx'), { externalAboveBytes: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const feed = {
  x: tensorOf(
    'float32',
    [1, 16],
    Float32Array.from({ length: 16 }, (_, i) => i / 16),
  ),
};

describe('an opened model', () => {
  it.each([
    ['a file', () => openModel(at('plain.onnx'))],
    ['a file with its weights beside it', () => openModel(at('outside.onnx'))],
    ['a text', () => openModel(at('text.onnx.txt'))],
    ['bytes', () => openModel(encodeModel(product()))],
    ['bytes of a text', () => openModel(new TextEncoder().encode(printModel(product())))],
    [
      'bytes and data',
      () => {
        const { files } = openModel(at('outside.onnx'));
        const [model, data] = files.map((f) => f.bytes());
        return openModel(model!, { data: new Map([[files[1]!.name, data!]]) });
      },
    ],
    ['a model in memory', () => openModel(product())],
  ])('runs the same on both engines: %s', async (_, open) => {
    const opened = open();
    expect(openModel(opened)).toBe(opened);
    for (const name of ['node', 'wasm'] as const) {
      const engine = await openEngine(name);
      const expected = await engine.open({ bytes: encodeModel(product()) });
      const session = await engine.open(opened.engineSource(name === 'node' ? 'path' : 'bytes'));
      const [a, b] = [await expected.run(feed), await session.run(feed)];
      expect(b['y']!.bytes()).toEqual(a['y']!.bytes());
      await Promise.all([expected.close(), session.close()]);
    }
  });

  it('names the files it consists of, and what they take', () => {
    const { files, sizeBytes, name } = openModel(at('outside.onnx'));
    expect(name).toBe('outside.onnx');
    expect(files.map((f) => [f.name, f.path])).toEqual([
      ['outside.onnx', at('outside.onnx')],
      ['outside.onnx.data', at('outside.onnx.data')],
    ]);
    expect(sizeBytes).toBe(files.reduce((sum, f) => sum + f.bytes().length, 0));
  });

  it('leaves weights beside a file where they are when the engine opens files itself', () => {
    const source = openModel(at('outside.onnx')).engineSource('path');
    expect(source).toEqual({
      path: at('outside.onnx'),
      dataFiles: ['outside.onnx.data'],
      halfWeights: false,
    });
  });

  it('says whether weights are in float16, which one native kernel does not survive', () => {
    const half = product(tensorOf('float16', [16, 32], new Uint16Array(512)));
    expect(openModel(half).engineSource('bytes').halfWeights).toBe(true);
  });

  it('misses data that did not come with its bytes', () => {
    const [model] = openModel(at('outside.onnx')).files;
    expect(codeOf(() => openModel(model!.bytes()))).toBe('EXTERNAL_DATA_MISSING');
  });
});

describe('formats', () => {
  it('are told by content, whatever the file is called', () => {
    writeFileSync(at('misnamed.onnx'), printModel(product()));
    expect(openModel(at('misnamed.onnx')).format.name).toBe('ONNX in textual form');
    writeFileSync(at('misnamed.onnx.txt'), encodeModel(product()));
    expect(openModel(at('misnamed.onnx.txt')).format.name).toBe('ONNX');
  });

  it('are chosen by extension when written', () => {
    expect(formatOfName('a/b.ONNX.TXT').name).toBe('ONNX in textual form');
    expect(formatOfName('a/b.onnx').name).toBe('ONNX');
    expect(formatOfName('a/b').name).toBe('ONNX');
    expect(withoutExtension('a/b.onnx.txt')).toBe('a/b');
    expect(withoutExtension('a/b.v2')).toBe('a/b.v2');
    expect(printModel(readModelFile(at('text.onnx.txt')))).toBe(printModel(product()));
  });
});
