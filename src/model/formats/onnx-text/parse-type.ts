/** Types: `float[N,3,?]`, `float` (a scalar), `float[]` (even the rank unknown), `seq(…)`, `map(…)` and so on. */
import type { DType } from '../../ir/dtype.ts';
import type { Dim, Shape, ValueType } from '../../ir/type.ts';
import {
  expect,
  failure,
  identifier,
  integer,
  list,
  matches,
  nested,
  peek,
  peekIdentifier,
  quotable,
  type Scanner,
  skipSpace,
} from './scanner.ts';
import { dtypeFromWord, isTypeWord } from './vocabulary.ts';

export const nextIsType = (s: Scanner) => isTypeWord(peekIdentifier(s));

/** @throws TEXT_SYNTAX */
export function parseType(s: Scanner): ValueType {
  skipSpace(s);
  const start = s.at;
  const word = identifier(s, 'a type such as float[N,3]');
  const dtype = dtypeFromWord(word);
  if (dtype) return { kind: 'tensor', dtype, shape: parseShape(s) };
  if (word === 'seq' || word === 'optional') {
    const element = inParentheses(s, word, () => optionalType(s));
    return { kind: word === 'seq' ? 'sequence' : 'optional', element };
  }
  if (word === 'map')
    return inParentheses(s, word, () => {
      const key = parseDType(s);
      expect(s, ',', 'after the key type of a map');
      return { kind: 'map', key, value: optionalType(s) };
    });
  if (word === 'sparse_tensor')
    return inParentheses(s, word, () => ({ kind: 'sparse', dtype: parseDType(s), shape: parseShape(s) }));
  throw failure(s, 'a type (float, int64, … seq, map, optional or sparse_tensor)', start);
}

const optionalType = (s: Scanner) => (peek(s) === ')' ? null : parseType(s));

function inParentheses<T>(s: Scanner, word: string, read: () => T): T {
  expect(s, '(', `after ${word}`);
  const result = nested(s, read);
  expect(s, ')', `after the type inside ${word}(`);
  return result;
}

function parseDType(s: Scanner): DType {
  skipSpace(s);
  const start = s.at;
  const dtype = dtypeFromWord(identifier(s, 'an element type such as float or int64'));
  if (!dtype) throw failure(s, 'an element type such as float or int64', start);
  return dtype;
}

function parseShape(s: Scanner): Shape | null {
  if (peek(s) !== '[') return [];
  const dims = list(s, '[', ']', 'dimensions', () => parseDim(s));
  return dims.length === 0 ? null : dims;
}

function parseDim(s: Scanner): Dim {
  if (matches(s, '?')) return null;
  const c = peek(s);
  const expected = 'a dimension: a number, a symbol or "?"';
  if (/[0-9-]/.test(c)) return Number(integer(s, expected, -limit, limit));
  return quotable(s, expected);
}

const limit = BigInt(Number.MAX_SAFE_INTEGER);
