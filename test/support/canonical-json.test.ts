import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from '../../src/support/canonical-json.ts';

it('gives one text for one value, whatever the order of its keys', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, A: 1e21 })).toBe(
    '{"A":1e+21,"b":[1,{"c":"x","d":null}]}',
  );
});

it('is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // JSON has no −0.
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it('sorts keys by code units, as RFC 8785 says', () => {
  // The example of its section 3.2.3.
  const keys = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, ö: 7 };
  expect(Object.values(JSON.parse(canonicalJson(keys)))).toEqual([4, 2, 6, 7, 1, 5, 3]);
});

it('refuses what JSON has no text for', () => {
  expect(() => canonicalJson({ a: Number.NaN })).toThrow(TypeError);
  expect(() => canonicalJson([() => 1])).toThrow(TypeError);
});
