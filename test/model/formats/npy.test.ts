import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { decodeNpy, decodeNpz, encodeNpy } from '../../../src/model/formats/npy.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import { numbers, scalar, tensorOf } from '../../../src/model/ir/tensor.ts';
import { Diagnostic } from '../../../src/support/diagnostics.ts';
import { concat } from './onnx-bytes.ts';

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A file as numpy.lib.format describes it, for headers that encodeNpy doesn't write. */
function npy(
  descr: string,
  fortran: 'True' | 'False',
  shape: string,
  data: Uint8Array,
  version = 1,
): Uint8Array {
  const header = `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
  const length = [header.length & 255, header.length >> 8, ...(version > 1 ? [0, 0] : [])];
  return concat(latin1('\x93NUMPY'), Uint8Array.of(version, 0, ...length), latin1(header), data);
}

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
};

describe('an array file', () => {
  // numpy.save(f, numpy.array([[1.5, -2.0]], dtype="<f4")), numpy 2.4, as base64.
  const saved =
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDIpLCB9' +
    'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAMA/AAAAwA==';

  it('of NumPy is read, and written the same', () => {
    const bytes = new Uint8Array(Buffer.from(saved, 'base64'));
    const tensor = decodeNpy(bytes);
    expect([tensor.dtype, tensor.dims, numbers(tensor)]).toEqual(['float32', [1, 2], [1.5, -2]]);
    expect(encodeNpy(tensor)).toEqual(bytes);
  });

  it.each<[DType, number[]]>([
    ['float16', [1, -0.5]],
    ['float32', [1, -0.5]],
    ['float64', [1, -0.1]],
    ['int8', [1, -2]],
    ['int16', [1, -2]],
    ['int32', [1, -2]],
    ['int64', [1, -2]],
    ['uint8', [1, 255]],
    ['uint16', [1, 65535]],
    ['uint32', [1, 4294967295]],
    ['uint64', [1, 2]],
    ['bool', [1, 0]],
  ])('of %s survives writing and reading', (dtype, values) => {
    const again = decodeNpy(encodeNpy(tensorOf(dtype, [2], values)));
    expect([again.dtype, again.dims, numbers(again)]).toEqual([dtype, [2], values]);
  });

  it('of a single number has no dimensions', () => {
    expect(decodeNpy(encodeNpy(scalar('float32', 3))).dims).toEqual([]);
  });

  it('in big-endian order is turned round', () => {
    const data = Uint8Array.of(0, 1, 0xff, 0xfe);
    expect(numbers(decodeNpy(npy("'>i2'", 'False', '(2,)', data)))).toEqual([1, -2]);
  });

  it('in Fortran order is put into C order', () => {
    // Column-major: element [i,j,k] of shape (2,3,2) stands at i + 2j + 6k.
    const data = Uint8Array.from({ length: 12 }, (_, i) => i);
    const expected = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11];
    expect(numbers(decodeNpy(npy("'|u1'", 'True', '(2, 3, 2)', data)))).toEqual(expected);
  });

  it.each([2, 3])('of format version %i is read', (version) => {
    expect(numbers(decodeNpy(npy("'|u1'", 'False', '(1,)', Uint8Array.of(7), version)))).toEqual([7]);
  });

  it('of Python 2 with long dimensions is read', () => {
    expect(decodeNpy(npy("'|u1'", 'False', '(1L, 2L)', Uint8Array.of(1, 2))).dims).toEqual([1, 2]);
  });

  it.each([
    ['records', npy("[('a', '<f4')]", 'False', '(1,)', new Uint8Array(4)), 'NPY_DTYPE'],
    ['text', npy("'<U3'", 'False', '(1,)', new Uint8Array(12)), 'NPY_DTYPE'],
    ['objects', npy("'|O'", 'False', '(1,)', new Uint8Array(8)), 'NPY_DTYPE'],
    ['too few bytes', npy("'<f4'", 'False', '(2,)', new Uint8Array(7)), 'NPY_MALFORMED'],
    [
      'an endless shape',
      npy("'<f4'", 'False', '(99999999, 99999999, 99999999)', new Uint8Array(8)),
      'NPY_MALFORMED',
    ],
    ['version 9', npy("'<f4'", 'False', '(0,)', new Uint8Array(), 9), 'NPY_MALFORMED'],
    ['nothing', new Uint8Array(), 'NPY_MALFORMED'],
    ['another file', latin1('PNG and more than twelve bytes'), 'NPY_MALFORMED'],
  ])('with %s gives a diagnostic', (_, bytes, code) => {
    expect(codeOf(() => decodeNpy(bytes, 'a.npy'))).toBe(code);
  });

  it('of a type that NumPy lacks is not written', () => {
    expect(codeOf(() => encodeNpy(tensorOf('bfloat16', [1], [1])))).toBe('NPY_DTYPE');
  });
});

describe('an archive', () => {
  const arrays = {
    'images.npy': encodeNpy(tensorOf('float32', [300], new Float32Array(300))),
    'labels.npy': encodeNpy(tensorOf('int64', [2], [3, 4])),
    'notes.txt': latin1('not an array'),
  };

  it.each([0, 6] as const)('is read at compression level %i, in its order', (level) => {
    const tensors = decodeNpz(zipSync(arrays, { level }));
    expect([...tensors.keys()]).toEqual(['images', 'labels']);
    expect(numbers(tensors.get('labels')!)).toEqual([3, 4]);
  });

  it('names the entry that is wrong', () => {
    const bytes = zipSync({ 'x.npy': latin1('no array, but long enough') });
    expect(() => decodeNpz(bytes, 'd.npz')).toThrow('x.npy');
  });

  it('that is damaged gives a diagnostic, never another error', () => {
    const archive = zipSync(arrays, { level: 6 });
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = archive.slice();
        bytes[at] = bytes[at]! ^ flip;
        try {
          decodeNpz(bytes);
        } catch (error) {
          if (!(error instanceof Diagnostic)) throw error;
        }
      }),
      { seed: 4, numRuns: 3000 },
    );
    expect(codeOf(() => decodeNpz(archive.subarray(0, 50)))).toBe('NPY_MALFORMED');
    expect(codeOf(() => decodeNpz(latin1('x')))).toBe('NPY_MALFORMED');
  });

  it('whose entries overlap is refused: a small file would unpack to gigabytes', () => {
    const one = zipSync({ 'x00.npy': encodeNpy(tensorOf('float32', [100_000], new Float32Array(100_000))) });
    expect(decodeNpz(one).get('x00')!.dims).toEqual([100_000]);
    expect(codeOf(() => decodeNpz(repeated(one, 40), 'd.npz'))).toBe('NPY_MALFORMED');
    expect(() => decodeNpz(repeated(one, 40), 'd.npz')).toThrow(/overlap/);
  });

  it('that would unpack to more than is likely is refused before anything is', () => {
    const zeros = encodeNpy(tensorOf('uint8', [2 ** 25], new Uint8Array(2 ** 25)));
    const entries = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`x${i}.npy`, zeros]));
    expect(() => decodeNpz(zipSync(entries), 'd.npz')).toThrow(/claims to hold/);
  });
});

/** An archive of one file, its directory naming that file's bytes `times` times. */
function repeated(zip: Uint8Array, times: number): Uint8Array {
  const at = (mark: number) =>
    zip.findIndex((_, i) => zip[i] === 0x50 && zip[i + 1] === 0x4b && zip[i + 2] === mark);
  const [directory, end] = [at(1), at(5)];
  const record = zip.subarray(directory, end);
  const records = Array.from({ length: times }, (_, i) => {
    const copy = record.slice();
    copy.set(latin1(`x${String(i).padStart(2, '0')}.npy`), 46);
    return copy;
  });
  const made = Buffer.concat([zip.subarray(0, directory), ...records, zip.subarray(end)]);
  const tail = made.length - (zip.length - end);
  made.writeUInt16LE(times, tail + 8);
  made.writeUInt16LE(times, tail + 10);
  made.writeUInt32LE(times * record.length, tail + 12);
  return made;
}
