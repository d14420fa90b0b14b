/** Reads and writes real models and ONNX's own test models; onnx-proto, by itself, judges whether anything changed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import onnxProto, { type onnx } from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel, printModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { isValidModel } from '../../invalid-models.ts';
import { sameStructure } from '../same-structure.ts';
import { parsed } from './onnx-bytes.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) console.log('EDGEPRESS_ZOO is not set: real models are not read.');

const filesBelow = (folder: string, end: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith(end))
    .map((f) => join(folder, f))
    .sort();

/** What a message says, without what makes no difference: empty strings and lists, version 0, the order of value_info, and in
 *  which field a tensor has its content. */
function plain(value: unknown): unknown {
  if (value instanceof onnxProto.onnx.TensorProto) return plainTensor(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    if ('low' in value && 'high' in value) return String(value);
    const entries = Object.entries(value)
      .filter(([k, v]) => v !== '' && !(k === 'modelVersion' && `${v}` === '0'))
      .filter(([, v]) => !(Array.isArray(v) && v.length === 0))
      .map(([k, v]) => [k, plain(k === 'valueInfo' ? sorted(v) : v)]);
    return Object.fromEntries(entries);
  }
  return value;
}

const sorted = (infos: onnx.IValueInfoProto[]) =>
  [...infos].sort((a, b) => (a.name! < b.name! ? -1 : a.name! > b.name! ? 1 : 0));

function plainTensor(t: onnx.TensorProto) {
  const { name, docString, dataType } = t;
  return { name, docString, dataType, dims: t.dims.map(String), content: plainContent(t) };
}

function plainContent(t: onnx.TensorProto): string {
  const text = (bytes: ArrayBufferView) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (t.stringData.length > 0) return JSON.stringify(t.stringData.map(text));
  if (t.rawData.length > 0) return text(t.rawData);
  const big = (list: readonly unknown[]) => list.map((v) => BigInt.asUintN(64, BigInt(String(v))));
  if (t.floatData.length > 0) return text(Float32Array.from(t.floatData));
  if (t.doubleData.length > 0) return text(Float64Array.from(t.doubleData));
  if (t.int64Data.length > 0) return text(BigUint64Array.from(big(t.int64Data)));
  if (t.uint64Data.length > 0)
    return t.dataType === 12
      ? text(Uint32Array.from(t.uint64Data, Number))
      : text(BigUint64Array.from(big(t.uint64Data)));
  if (t.dataType === 6) return text(Int32Array.from(t.int32Data));
  return [4, 5, 10, 16].includes(t.dataType)
    ? text(Uint16Array.from(t.int32Data))
    : text(Uint8Array.from(t.int32Data));
}

/** What the file says, as it is to be written: below version 4 of the IR initialisers must be inputs too, and a file that breaks
 *  this rule becomes version 4. */
function expected(message: onnx.IModelProto): unknown {
  const { input, initializer } = message.graph ?? {};
  const names = new Set(input?.map((v) => v.name));
  const breaksRule = Number(message.irVersion) < 4 && initializer?.some((t) => !names.has(t.name));
  return { ...(plain(message) as object), ...(breaksRule ? { irVersion: '4' } : {}) };
}

function expectUnchanged(path: string): void {
  const bytes = readFileSync(path);
  const model = decodeModel(bytes, { name: basename(path) });
  verifyModel(model);
  const copy = cloneModel(model);
  verifyModel(copy);
  expect(plain(parsed(encodeModel(copy))), path).toEqual(expected(parsed(bytes)));
}

describe.skipIf(!zoo)('reading and writing', () => {
  const models = zoo ? filesBelow(join(zoo, 'models'), '.onnx').filter(isValidModel) : [];

  it.each(models.map((m) => [basename(m), m]))('%s changes nothing', (_, path) => {
    expectUnchanged(path);
  });

  describe("ONNX's own test models", () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'edgepress-node-tests-'));
      execFileSync('tar', ['-xf', join(zoo!, 'data', 'onnx-node-tests.tar.xz'), '-C', folder]);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('are unchanged by reading and writing', () => {
      const paths = filesBelow(folder, '.onnx');
      expect(paths.length).toBe(1951);
      for (const path of paths) expectUnchanged(path);
    });

    it('are the same model once they were printed and parsed, and print the same', () => {
      for (const path of filesBelow(folder, '.onnx')) {
        const model = decodeModel(readFileSync(path), { name: basename(path) });
        const text = printModel(model);
        const read = parseModel(text, path);
        verifyModel(read);
        expect(sameStructure(read, model, { docs: false }), path).toBeNull();
        expect(printModel(read), path).toBe(text);
      }
    });
  });
});
