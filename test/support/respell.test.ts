/** Messages in the words of a call. */
import { describe, expect, it } from 'vitest';
import { compressRequest } from '../../src/compress/request.ts';
import { user } from '../../src/support/diagnostics.ts';
import { inCallWords, inFields } from '../../src/support/respell.ts';

describe('options become fields', () => {
  it.each([
    ['--labels has no effect without --data.', '"labels" has no effect without "data".'],
    [
      'Pass --data <folder or .npz>, or use --int8 dynamic.',
      'Pass "data" (folder or .npz), or use int8: \'dynamic\'.',
    ],
    ['without --no-compare and --evaluate 0', 'without compare: false and evaluate: 0'],
    ['--max-drop 1 bounds accuracy', 'maxDrop: 1 bounds accuracy'],
    [
      'Lower the learning rate (--lr), or --no-checkpoint.',
      'Lower the learning rate ("learningRate"), or checkpoint: false.',
    ],
    [
      'Choose another name with -o, or pass --force to replace it.',
      'Choose another name with "output", or pass "force" to replace it.',
    ],
  ])('%s', (typed, called) => expect(inFields(typed, compressRequest)).toBe(called));

  it.each([
    'compress recipe --int8 prints a valid one to start from.',
    'compress inspect --nodes shows the graph',
    'Another program has --smoothness.',
    'a pre--int8 model – so it goes',
  ])('but not in: %s', (text) => expect(inFields(text, compressRequest)).toBe(text));

  it('after a command that is to be typed', () => {
    const text = 'compress inspect --nodes shows the graph; --int8 needs no channels to go.';
    expect(inFields(text, compressRequest)).toBe(
      'compress inspect --nodes shows the graph; "int8" needs no channels to go.',
    );
  });
});

it('a refused call keeps its code, kind and cause', async () => {
  const cause = new Error('deep');
  const call = inCallWords(compressRequest, async () => {
    throw user('SOME_CODE', 'No --data.', 'Pass --data.', cause);
  });
  await expect(call).rejects.toMatchObject({
    code: 'SOME_CODE',
    kind: 'user',
    message: 'No "data".',
    hint: 'Pass "data".',
    cause,
  });
});

it('what is no diagnostic passes as it is', async () => {
  const stop = new DOMException('enough', 'AbortError');
  await expect(inCallWords(compressRequest, () => Promise.reject(stop))).rejects.toBe(stop);
});
