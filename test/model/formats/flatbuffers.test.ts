/** Flatbuffers of strangers: whatever the bytes are, they are read or refused with a code, in bounded time and memory. */
import { Builder, ByteBuffer } from 'flatbuffers';
import { describe, expect, it } from 'vitest';
import { readFlatbuffer } from '../../../src/model/formats/flatbuffers/read.ts';
import type { FlatSchema } from '../../../src/model/formats/flatbuffers/schema.ts';
import { writeFlatbuffer } from '../../../src/model/formats/flatbuffers/write.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openModelBytes } from '../../../src/model/formats/opened.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { convertToOrt } from '../../../src/ship/emit/ort.ts';
import { ortDamaged } from '../../../src/support/diagnostics/model-files.ts';
import { Diagnostic } from '../../../src/support/diagnostics.ts';
import { createRandom } from '../../../src/support/random.ts';

const schema: FlatSchema = {
  identifier: 'TREE',
  root: 'Tree',
  tables: {
    Tree: { name: 'text', size: '8', kind: '1', what: 'union', branches: '[Tree]', data: 'raw', pairs: 'v8' },
    Leaf: { colour: '4' },
  },
  unions: { 'Tree.what': [undefined, 'Leaf'] },
};
const read = (bytes: Uint8Array) => readFlatbuffer(bytes, schema, ortDamaged);
const damaged = (words: string) =>
  expect.objectContaining({ code: 'ORT_DAMAGED', message: expect.stringContaining(words) });

/** A tree written with the library alone, each table holding `children` in its list of branches. */
function tree(children: (builder: Builder) => number[]): Uint8Array {
  const builder = new Builder();
  builder.finish(branch(builder, children(builder)), 'TREE');
  return builder.asUint8Array();
}

function branch(builder: Builder, children: readonly number[]): number {
  builder.startVector(4, children.length, 4);
  for (const child of children.toReversed()) builder.addOffset(child);
  const list = builder.endVector();
  builder.startObject(7);
  builder.addFieldOffset(4, list, 0);
  return builder.endObject();
}

/** Tables one in the other, each named `width` times by the one around it. */
const nested = (depth: number, width: number) =>
  tree((builder) => {
    let children: number[] = [];
    for (let i = 0; i < depth; i++) children = Array(width).fill(branch(builder, children));
    return children;
  });

describe('a flatbuffer', () => {
  it('is read as the library that wrote it means it', () => {
    const builder = new Builder();
    builder.startObject(1);
    builder.addFieldInt32(0, -7, 0);
    const leaf = builder.endObject();
    const [name, data] = [builder.createString('Ölbaum'), builder.createByteVector(Uint8Array.of(1, 2, 3))];
    builder.startVector(8, 2, 8);
    builder.addInt64(-2n);
    builder.addInt64(1n);
    const pairs = builder.endVector();
    builder.startObject(7);
    builder.addFieldOffset(0, name, 0);
    builder.addFieldInt64(1, 2n ** 40n, 0n);
    builder.addFieldInt8(2, 1, 0);
    builder.addFieldOffset(3, leaf, 0);
    builder.addFieldOffset(5, data, 0);
    builder.addFieldOffset(6, pairs, 0);
    builder.finish(builder.endObject(), 'TREE');
    expect(read(builder.asUint8Array())).toEqual({
      name: 'Ölbaum',
      size: 2n ** 40n,
      kind: 1,
      what: { colour: -7 },
      data: Uint8Array.of(1, 2, 3),
      pairs: new Uint8Array(BigInt64Array.of(1n, -2n).buffer),
    });
  });

  it('is written so that the library reads it, bytes where a runtime may use them as they lie', () => {
    const bytes = writeFlatbuffer({ name: '', size: 0n, data: new Uint8Array(5).fill(9) }, schema);
    const file = new ByteBuffer(bytes);
    expect(file.__has_identifier('TREE')).toBe(true);
    const root = file.__indirect(0);
    const at = (slot: number) => root + file.__offset(root, 4 + 2 * slot);
    expect(file.__string(at(0))).toBe('');
    expect(file.readInt64(at(1))).toBe(0n);
    expect(file.__vector(at(5)) % 16).toBe(0);
    expect(file.__vector_len(at(5))).toBe(5);
    expect(file.readUint8(file.__vector(at(5)) + 4)).toBe(9);
    expect(file.__offset(root, 4 + 2 * 4)).toBe(0);
  });

  it('comes back from what was written', () => {
    const inner = { name: 'b', kind: 1, what: { colour: 3 }, pairs: new Uint8Array(16).fill(1) };
    const root = { name: 'a', branches: [inner, {}, { name: 'a', data: Uint8Array.of(4) }] };
    expect(read(writeFlatbuffer(root, schema))).toEqual(root);
  });

  it('is refused when nested deeper than any honest one, and read up to there', () => {
    expect(read(nested(64, 1))).toHaveProperty('branches');
    expect(() => read(nested(65, 1))).toThrow(damaged('64 deep'));
    expect(() => read(nested(20_000, 1))).toThrow(damaged('64 deep'));
  });

  it('is refused when a small file would unfold into a large value', () => {
    // 4⁴⁰ tables in a file of about a kilobyte.
    expect(() => read(nested(40, 4))).toThrow(damaged('fill the memory'));
  });

  it('is refused when a count, an offset or a list of fields leads outside', () => {
    const good = writeFlatbuffer({ name: 'abc', data: new Uint8Array(64) }, schema);
    expect(read(good)).toHaveProperty('name', 'abc');
    for (let at = 0; at + 4 <= good.length; at += 4) {
      const bytes = good.slice();
      new DataView(bytes.buffer).setUint32(at, 0x7fff_fff0, true);
      expectReadOrRefused(() => read(bytes));
    }
  });
});

function expectReadOrRefused(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof Diagnostic)) throw error;
    expect(['user', 'unsupported']).toContain(error.kind);
    return false;
  }
}

describe('an .ort file with wrong bytes', () => {
  it('is a model or a diagnostic, never a crash', async () => {
    const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
      g (float[1,4] x) => (float[1,4] y) <float[4] w = {1, 2, 3, 4}> {
        flag = Constant <value: tensor = bool {1}> ()
        z = Mul (x, w)
        y = If (flag) <then_branch = t () => (float[1,4] a) { a = Add (z, x) },
                       else_branch = e () => (float[1,4] b) { b = Neg (x) }>
      }`);
    const good = await convertToOrt(encodeModel(model), { level: 'basic', foldConstants: false });
    const random = createRandom(1);
    let refused = 0;
    for (let trial = 0; trial < 3000; trial++) {
      const bytes = good.slice();
      for (let i = 0; i < 3; i++) bytes[8 + random.integer(bytes.length - 8)] = random.integer(256);
      if (!expectReadOrRefused(() => verifyModel(openModelBytes(bytes, { name: 'net.ort' }).model)))
        refused++;
    }
    expect(refused).toBeGreaterThan(300);
  });
});
