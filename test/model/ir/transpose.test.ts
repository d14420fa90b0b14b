import { describe, expect, it } from 'vitest';
import { externalTensor, numbers, stringTensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { transposeMatrix, transposeTensor } from '../../../src/model/ir/transpose.ts';

const twelve = Array.from({ length: 12 }, (_, i) => i - 5);

describe('transposed tensors', () => {
  it.each(['int8', 'float32', 'float64', 'int16', 'float16', 'int64', 'int4'] as const)(
    'of %s move whole elements',
    (dtype) => {
      const t = transposeTensor(tensorOf(dtype, [2, 2, 3], twelve), [2, 0, 1]);
      expect(t.dims).toEqual([3, 2, 2]);
      expect(numbers(t)).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].map((i) => twelve[i]));
    },
  );

  it('hold strings, and complex numbers of 8 bytes', () => {
    const text = transposeTensor(stringTensor([2, 2], ['a', 'b', 'c', 'd']), [1, 0]);
    expect(text.strings!.map((s) => new TextDecoder().decode(s))).toEqual(['a', 'c', 'b', 'd']);
    const complex = { ...tensorOf('float64', [2, 2], [1, 2, 3, 4]), dtype: 'complex64' as const };
    expect(transposeTensor(complex, [1, 0]).bytes()).toEqual(tensorOf('float64', [4], [1, 3, 2, 4]).bytes());
  });

  it('stay in their file until they are read', () => {
    let reads = 0;
    const read = () => {
      reads++;
      return new Uint8Array([1, 2, 3, 4, 5, 6]);
    };
    const t = transposeTensor(
      externalTensor('int8', [2, 3], { location: 'w', offset: 0, length: 6 }, read),
      [1, 0],
    );
    expect(reads).toBe(0);
    expect(numbers(t)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('swap the last two axes of matrices', () => {
    expect(numbers(transposeMatrix(tensorOf('int8', [2, 2, 3], twelve)))).toEqual(
      [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11].map((i) => twelve[i]),
    );
    expect(transposeMatrix(tensorOf('float32', [0, 3], [])).dims).toEqual([3, 0]);
  });
});
