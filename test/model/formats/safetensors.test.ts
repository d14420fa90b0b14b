import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../src/model/formats/safetensors.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import { denseTensor, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { Diagnostic } from '../../../src/support/diagnostics.ts';
import { createRandom } from '../../../src/support/random.ts';

const random = createRandom(1);
const bytes = (n: number) => Uint8Array.from({ length: n }, () => random.integer(256));

const widths: readonly (readonly [DType, number])[] = [
  ['float64', 8],
  ['float32', 4],
  ['float16', 2],
  ['bfloat16', 2],
  ['int64', 8],
  ['int32', 4],
  ['int16', 2],
  ['int8', 1],
  ['uint64', 8],
  ['uint32', 4],
  ['uint16', 2],
  ['uint8', 1],
  ['bool', 1],
];

const sample = (): Record<string, Tensor> =>
  Object.fromEntries(
    widths.flatMap(([dtype, width], i) => [
      [`a/${dtype}`, denseTensor(dtype, [3, i + 1], bytes(3 * (i + 1) * width))],
      [`scalar ${dtype} "ü"`, denseTensor(dtype, [], bytes(width))],
    ]),
  );

/** A file with this header and as many bytes after it. */
function file(header: unknown, length: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  return out;
}

const refused = (content: Uint8Array) => {
  try {
    decodeSafetensors(content);
    return 'nothing';
  } catch (error) {
    return error instanceof Diagnostic ? error.code : String(error);
  }
};

describe('safetensors', () => {
  it('gives back every dtype, name, size and text, bit by bit', () => {
    const given = {
      ...sample(),
      empty: tensorOf('float32', [0, 4], []),
      ['__proto__']: tensorOf('int8', [1], [7]),
    };
    const { tensors, metadata } = decodeSafetensors(encodeSafetensors(given, { note: 'ü "' }));
    expect(metadata).toEqual({ note: 'ü "' });
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(given).sort());
    for (const [name, t] of Object.entries(given)) {
      expect(tensors[name]?.dtype, name).toBe(t.dtype);
      expect(tensors[name]?.dims, name).toEqual(t.dims);
      expect(tensors[name]?.bytes(), name).toEqual(t.bytes());
    }
  });

  it('puts every tensor at a multiple of its width', () => {
    const content = encodeSafetensors(sample());
    const size = Number(new DataView(content.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(content.subarray(8, 8 + size))) as Record<
      string,
      { dtype: string; data_offsets: [number, number] }
    >;
    for (const [name, entry] of Object.entries(header)) {
      if (name === '__metadata__') continue;
      const width = Number(/\d+/.exec(entry.dtype)?.[0] ?? 8) / 8;
      expect((8 + size + entry.data_offsets[0]) % width, name).toBe(0);
    }
  });

  it('refuses to write what the format lacks', () => {
    expect(() => encodeSafetensors({ t: denseTensor('int4', [2], new Uint8Array(1)) })).toThrow(/int4/);
    expect(() => encodeSafetensors({ __metadata__: tensorOf('int8', [1], [1]) })).toThrow(/__metadata__/);
  });

  it('meets random bytes, cut files and changed bytes with a diagnostic or a sound result', () => {
    const sound = encodeSafetensors(sample(), { a: 'b' });
    for (let i = 0; i < 300; i++) {
      expect(refused(bytes(random.integer(200)))).toBe('SAFETENSORS_INVALID');
      expect(refused(sound.subarray(0, random.integer(sound.length)))).toBe('SAFETENSORS_INVALID');
      const changed = sound.slice();
      for (let k = 0; k < 4; k++) changed[random.integer(600)] = random.integer(256);
      expect(['SAFETENSORS_INVALID', 'nothing']).toContain(refused(changed));
    }
  });

  const entry = (from: number, to: number, more = {}) => ({
    dtype: 'U8',
    shape: [to - from],
    data_offsets: [from, to],
    ...more,
  });
  it.each<readonly [string, Uint8Array]>([
    ['a header of another kind', file([], 0)],
    ['a header that is no UTF-8', file('{"\ud800": 1}', 0).map((b) => (b === 0xef ? 0xff : b))],
    ['tensors that overlap', file({ a: entry(0, 4), b: entry(2, 6) }, 6)],
    ['a gap', file({ a: entry(0, 2), b: entry(4, 6) }, 6)],
    ['bytes after the last tensor', file({ a: entry(0, 2) }, 3)],
    ['sizes that say more than the bytes', file({ a: entry(0, 2, { shape: [3] }) }, 2)],
    ['sizes beyond counting', file({ a: entry(0, 2, { shape: [2 ** 52, 2 ** 52] }) }, 2)],
    ['a negative size', file({ a: entry(0, 2, { shape: [-2] }) }, 2)],
    ['an unknown dtype', file({ a: entry(0, 2, { dtype: 'U7' }) }, 2)],
    ['an entry that is null', file({ a: null }, 0)],
    ['metadata that are numbers', file({ __metadata__: { a: 1 } }, 0)],
    ['a header longer than any file', new Uint8Array(16).fill(0xff)],
  ])('refuses %s', (_, content) => expect(refused(content)).toBe('SAFETENSORS_INVALID'));
});

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import safetensors, numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasPython())("the format's own reader (skipped without Python's safetensors)", () => {
  it('reads what is written here, and writes what is read here', () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgepress-safetensors-'));
    const path = join(folder, 'a.safetensors');
    const code = `
import json, sys
from safetensors.numpy import load_file, save_file
t = load_file(sys.argv[1])
save_file(t, sys.argv[1], {'from': 'python'})
print(json.dumps({k: [str(v.dtype), list(v.shape)] for k, v in t.items()}))`;
    const given = Object.fromEntries(Object.entries(sample()).filter(([name]) => !name.includes('bfloat16')));
    writeFileSync(path, encodeSafetensors(given));
    const theirs = JSON.parse(execFileSync('python3', ['-c', code, path]).toString()) as Record<
      string,
      unknown
    >;
    expect(theirs).toEqual(
      Object.fromEntries(Object.entries(given).map(([name, t]) => [name, [t.dtype, [...t.dims]]])),
    );
    const back = decodeSafetensors(new Uint8Array(readFileSync(path)));
    rmSync(folder, { recursive: true });
    expect(back.metadata).toEqual({ from: 'python' });
    for (const [name, t] of Object.entries(given))
      expect(back.tensors[name]?.bytes(), name).toEqual(t.bytes());
  });
});
