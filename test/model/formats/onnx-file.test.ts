import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { onnx } from 'onnx-proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readModelFile, writeModelFile } from '../../../src/model/formats/file.ts';
import { decodeModel } from '../../../src/model/formats/onnx/index.ts';
import { addInitializer } from '../../../src/model/ir/edit.ts';
import { float32Values, lazyTensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { floatTensor, modelBytes, node, parsed } from './onnx-bytes.ts';

let folder: string;
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-onnx-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const external = (location: string, offset = 0, length = 8): onnx.ITensorProto => ({
  name: 'w',
  dims: [2],
  dataType: 1,
  dataLocation: 1,
  externalData: [
    { key: 'location', value: location },
    { key: 'offset', value: String(offset) },
    { key: 'length', value: String(length) },
  ],
});

function writeExternal(location: string, offset?: number): string {
  writeFileSync(
    at('m.onnx'),
    modelBytes({ initializer: [external(location, offset)], node: [node('Add', ['x', 'w'], ['y'])] }),
  );
  return at('m.onnx');
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const weight = (path: string) => findValue(readModelFile(path), 'w')!.constant!;
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
};

describe('reading a model file', () => {
  it('that is missing, a folder, or in no folder says which', () => {
    mkdirSync(at('sub'));
    expect(codeOf(() => readModelFile(at('none.onnx')))).toBe('FILE_NOT_FOUND');
    expect(codeOf(() => readModelFile(at('sub')))).toBe('FILE_IS_FOLDER');
  });

  it.skipIf(process.getuid?.() === 0)('without permission says so', () => {
    writeFileSync(at('m.onnx'), modelBytes());
    chmodSync(at('m.onnx'), 0);
    expect(codeOf(() => readModelFile(at('m.onnx')))).toBe('FILE_PERMISSION');
  });

  it('names the file in its messages', () => {
    writeFileSync(at('m.onnx'), '<html>');
    expect(() => readModelFile(at('m.onnx'))).toThrow(at('m.onnx'));
  });
});

describe('external data', () => {
  it('is read at its offset, from a folder below too', () => {
    mkdirSync(at('weights'));
    writeFileSync(at('weights/w.bin'), floats(0, 1, 2, 3));
    const tensor = weight(writeExternal('weights/w.bin', 4));
    expect(tensor.kind).toBe('external');
    expect([...float32Values(tensor)]).toEqual([1, 2]);
  });

  it('is not read when the model is opened: four sparse gigabytes behind one tensor', () => {
    writeFileSync(at('w.bin'), '');
    truncateSync(at('w.bin'), 2 ** 32);
    const tensor = weight(writeExternal('w.bin', 2 ** 32 - 8));
    expect(tensor.external).toEqual({ location: 'w.bin', offset: 2 ** 32 - 8, length: 8 });
    expect([...float32Values(tensor)]).toEqual([0, 0]);
  });

  it('that is missing or too short is noticed when the model is opened', () => {
    const path = writeExternal('w.bin', 4);
    expect(codeOf(() => readModelFile(path))).toBe('EXTERNAL_DATA_MISSING');
    writeFileSync(at('w.bin'), floats(1, 2));
    expect(codeOf(() => readModelFile(path))).toBe('EXTERNAL_DATA_SHORT');
  });

  it.each(['', '../w.bin', 'a/../../w.bin', '/etc/hostname', 'C:\\w.bin', '..\\w.bin', '\\\\host\\w.bin'])(
    'is never opened outside of the folder: "%s"',
    (location) => {
      expect(codeOf(() => readModelFile(writeExternal(location)))).toBe('EXTERNAL_DATA_PATH');
    },
  );

  it('is not followed through links that lead out, of the file or of a folder', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'edgepress-elsewhere-'));
    try {
      writeFileSync(join(elsewhere, 'w.bin'), floats(1, 2));
      symlinkSync(join(elsewhere, 'w.bin'), at('link.bin'));
      symlinkSync(elsewhere, at('dir'));
      expect(codeOf(() => readModelFile(writeExternal('link.bin')))).toBe('EXTERNAL_DATA_PATH');
      expect(codeOf(() => readModelFile(writeExternal('dir/w.bin')))).toBe('EXTERNAL_DATA_PATH');
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('may be a link to a file of the same folder', () => {
    writeFileSync(at('real.bin'), floats(1, 2));
    symlinkSync('real.bin', at('link.bin'));
    expect([...float32Values(weight(writeExternal('link.bin')))]).toEqual([1, 2]);
  });

  it('that is replaced after opening is refused instead of read as something else', () => {
    writeFileSync(at('w.bin'), floats(1, 2));
    const tensor = weight(writeExternal('w.bin'));
    writeFileSync(at('w.bin'), floats(3, 4, 5));
    expect(codeOf(() => tensor.bytes())).toBe('EXTERNAL_DATA_CHANGED');
  });

  it('that does not fit the shape is refused', () => {
    writeFileSync(at('w.bin'), floats(1, 2, 3));
    const graph = { initializer: [external('w.bin', 0, 12)], node: [node('Add', ['x', 'w'], ['y'])] };
    writeFileSync(at('m.onnx'), modelBytes(graph));
    expect(codeOf(() => readModelFile(at('m.onnx')))).toBe('TENSOR_BYTES');
  });
});

describe('writing a model file', () => {
  const withWeights = () => {
    const model = decodeModel(modelBytes({ initializer: [floatTensor('small', [1])] }));
    const values = Float32Array.from({ length: 1000 }, (_, i) => i);
    addInitializer(model.graph, 'a', tensorOf('float32', [1000], values));
    const b = () => new Uint8Array(Float32Array.from(values, (v) => -v).buffer);
    addInitializer(model.graph, 'b', lazyTensor('float32', [10, 100], b));
    return model;
  };

  it('leaves nothing but the model', () => {
    expect(writeModelFile(withWeights(), at('m.onnx'))).toEqual([at('m.onnx')]);
    expect(readdirSync(folder)).toEqual(['m.onnx']);
    expect(findValue(readModelFile(at('m.onnx')), 'b')!.constant!.dims).toEqual([10, 100]);
  });

  it('puts large tensors into a data file beyond the limit, and small ones not', () => {
    const written = writeModelFile(withWeights(), at('m.onnx'), { externalAboveBytes: 5000 });
    expect(written).toEqual([at('m.onnx'), at('m.onnx.data')]);
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'm.onnx.data']);
    const model = readModelFile(at('m.onnx'));
    const constants = ['small', 'a', 'b'].map((name) => findValue(model, name)!.constant!);
    expect(constants.map((t) => t.kind)).toEqual(['dense', 'external', 'external']);
    expect(float32Values(constants[1]!)[999]).toBe(999);
    expect(float32Values(constants[2]!)[999]).toBe(-999);
  });

  it('begins each tensor of the data file at a multiple of 64 bytes', () => {
    writeModelFile(withWeights(), at('m.onnx'), { externalAboveBytes: 0 });
    const offsets = parsed(readFileSync(at('m.onnx')))
      .graph!.initializer!.flatMap((t) => t.externalData ?? [])
      .filter((e) => e.key === 'offset')
      .map((e) => Number(e.value));
    expect(offsets).toEqual([0, 4032]);
  });

  it('embeds external data of another folder', () => {
    writeFileSync(at('w.bin'), floats(1, 2));
    const model = readModelFile(writeExternal('w.bin'));
    mkdirSync(at('out'));
    writeModelFile(model, at('out/m.onnx'));
    rmSync(at('w.bin'));
    expect([...float32Values(weight(at('out/m.onnx')))]).toEqual([1, 2]);
  });

  it('can replace the files that the model was opened from', () => {
    writeModelFile(withWeights(), at('m.onnx'), { externalAboveBytes: 0 });
    const model = readModelFile(at('m.onnx'));
    addInitializer(model.graph, 'first', tensorOf('float32', [500], new Float32Array(500)));
    writeModelFile(model, at('m.onnx'), { externalAboveBytes: 0 });
    const again = readModelFile(at('m.onnx'));
    expect(float32Values(findValue(again, 'b')!.constant!)[7]).toBe(-7);
    expect(codeOf(() => findValue(model, 'b')!.constant!.bytes())).toBe('EXTERNAL_DATA_CHANGED');
  });

  it('that fails leaves the old file and no other', () => {
    const model = withWeights();
    addInitializer(
      model.graph,
      'bad',
      lazyTensor('float32', [1000], () => {
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC', errno: -28 });
      }),
    );
    writeFileSync(at('m.onnx'), 'old');
    expect(codeOf(() => writeModelFile(model, at('m.onnx'), { externalAboveBytes: 0 }))).toBe('DISK_FULL');
    expect(readdirSync(folder)).toEqual(['m.onnx']);
    expect(readFileSync(at('m.onnx'), 'utf8')).toBe('old');
  });

  it('to a folder, or into a missing one, says so', () => {
    mkdirSync(at('sub'));
    expect(codeOf(() => writeModelFile(withWeights(), at('sub')))).toBe('FILE_IS_FOLDER');
    writeFileSync(at('file'), '');
    for (const path of ['none/m.onnx', 'file/m.onnx'])
      expect(codeOf(() => writeModelFile(withWeights(), at(path)))).toBe('FOLDER_NOT_FOUND');
    expect(readdirSync(at('sub'))).toEqual([]);
  });
});
