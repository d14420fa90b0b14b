import { expect, it } from 'vitest';
import { reasonOf, reasonWords } from '../../src/support/reason.ts';

it('tells code and detail apart, and leaves a text without a code whole', () => {
  expect(reasonOf('too-large: 12 MB: twice')).toEqual({ code: 'too-large', detail: '12 MB: twice' });
  expect(reasonOf('excluded')).toEqual({ code: 'excluded', detail: null });
  expect(reasonOf('Two words: and more')).toEqual({ code: '', detail: 'Two words: and more' });
});

it('says codes in words', () => {
  expect(reasonWords('too-large: 12 MB')).toBe('too large: 12 MB');
  expect(reasonWords('Two words: and more')).toBe('Two words: and more');
});
