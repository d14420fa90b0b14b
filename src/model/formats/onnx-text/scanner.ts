/** Reads tokens of the textual syntax: white space and `#` comments are skipped before each one. */

import { textName, textSyntax } from '../../../support/diagnostics/model-files.ts';
import type { Diagnostic } from '../../../support/diagnostics.ts';
import type { TensorSource } from '../onnx/tensors.ts';

export interface Scanner {
  readonly text: string;
  /** Where the text is from, for messages: a path or a title. */
  readonly name: string;
  /** Index of the next character. */
  at: number;
  depth: number;
  /** The files beside it. */
  readonly beside: TensorSource;
}

export const createScanner = (text: string, name: string, beside: TensorSource): Scanner => ({
  text,
  name,
  at: 0,
  depth: 0,
  beside,
});

/** Nesting of graphs and types beyond this is refused before it can exhaust the stack. */
const maxDepth = 100;

/** Runs `read` one level deeper. @throws TEXT_SYNTAX beyond 100 levels */
export function nested<T>(s: Scanner, read: () => T): T {
  if (s.depth >= maxDepth) throw failure(s, `at most ${maxDepth} levels of nesting`);
  s.depth++;
  const result = read();
  s.depth--;
  return result;
}

export function skipSpace(s: Scanner): void {
  for (; s.at < s.text.length; s.at++) {
    const c = s.text.charCodeAt(s.at);
    if (c === 35) {
      const end = s.text.indexOf('\n', s.at);
      s.at = end < 0 ? s.text.length - 1 : end;
    } else if (c !== 32 && (c < 9 || c > 13) && !(c === 0xfeff && s.at === 0)) return;
  }
}

/** The next character, or '' at the end; nothing is consumed. */
export function peek(s: Scanner): string {
  skipSpace(s);
  return s.text.charAt(s.at);
}

export function matches(s: Scanner, token: string): boolean {
  skipSpace(s);
  if (!s.text.startsWith(token, s.at)) return false;
  s.at += token.length;
  return true;
}

/** @param where  what the token belongs to, such as "after the inputs" */
export function expect(s: Scanner, token: string, where: string): void {
  if (!matches(s, token)) throw failure(s, `"${token}" ${where}`);
}

const identifierPattern = /[A-Za-z_][A-Za-z0-9_]*/y;
const numberPattern = /-?(?:(?:infinity|inf|nan)(?![A-Za-z0-9_])|\d+(?:\.\d*)?(?:[eE][+-]?\d*)?)/iy;

function token(s: Scanner, pattern: RegExp): string | null {
  skipSpace(s);
  pattern.lastIndex = s.at;
  return pattern.exec(s.text)?.[0] ?? null;
}

/** The identifier that comes next, without consuming it; '' when something else comes. */
export const peekIdentifier = (s: Scanner): string => token(s, identifierPattern) ?? '';

export function identifier(s: Scanner, expected: string): string {
  const word = token(s, identifierPattern);
  if (word === null) throw failure(s, expected);
  s.at += word.length;
  return word;
}

/** An identifier or a quoted string. */
export const quotable = (s: Scanner, expected: string): string =>
  peek(s) === '"' ? quotedString(s, expected) : identifier(s, expected);

export const peekNumber = (s: Scanner): string | null => token(s, numberPattern);

/** The text of a number; see `isFloatLiteral`. */
export function number(s: Scanner, expected: string): string {
  const found = token(s, numberPattern);
  if (found === null || /[eE+-]$/.test(found)) throw failure(s, expected);
  s.at += found.length;
  return found;
}

/** Whether a number's text says that it is a float: a point, an exponent, inf or nan. */
export const isFloatLiteral = (literal: string) => /[^0-9-]/.test(literal);

/** @throws TEXT_SYNTAX when no whole number comes, or one outside [min, max] */
export function integer(s: Scanner, expected: string, min: bigint, max: bigint): bigint {
  skipSpace(s);
  const start = s.at;
  const literal = number(s, expected);
  const value = isFloatLiteral(literal) ? null : BigInt(literal);
  if (value === null || value < min || value > max) throw failure(s, expected, start);
  return value;
}

export function quotedString(s: Scanner, expected: string): string {
  skipSpace(s);
  const start = s.at;
  if (s.text[start] !== '"') throw failure(s, expected);
  let at = start + 1;
  for (; s.text[at] !== '"'; at++) {
    if (s.text[at] === '\\') at++;
    if (at >= s.text.length) throw failure(s, 'a closing " for the string that starts here', start);
  }
  s.at = at + 1;
  return s.text.slice(start + 1, at).replace(/\\([\s\S])/g, '$1');
}

/** `read` once for each element of a list in brackets, which may be empty. */
export function list<T>(s: Scanner, open: string, close: string, what: string, read: () => T): T[] {
  expect(s, open, `before ${what}`);
  const items: T[] = [];
  if (matches(s, close)) return items;
  do items.push(read());
  while (matches(s, ','));
  expect(s, close, `or "," after ${what}`);
  return items;
}

/** The diagnostic for the token at `at` (default: the next one): what was expected there, and what stands there. */
export function failure(s: Scanner, expected: string, at?: number): Diagnostic {
  if (at === undefined) skipSpace(s);
  const from = at ?? s.at;
  const { where, excerpt } = locate(s, from);
  return textSyntax(where, expected, describe(s, from), excerpt);
}

/** The diagnostic for a name at `at` that is missing or defined twice. */
export function nameFailure(s: Scanner, what: string, at: number): Diagnostic {
  const { where, excerpt } = locate(s, at);
  return textName(where, what, excerpt);
}

/** Line and column of an index, and the line (at most 100 characters of it) with a mark below. */
function locate(s: Scanner, at: number): { where: string; excerpt: string } {
  const lineStart = at === 0 ? 0 : s.text.lastIndexOf('\n', at - 1) + 1;
  const lineEnd = s.text.indexOf('\n', at);
  const line = s.text.slice(lineStart, lineEnd < 0 ? s.text.length : lineEnd);
  const column = at - lineStart;
  let row = 1;
  for (let i = s.text.indexOf('\n'); i >= 0 && i < at; i = s.text.indexOf('\n', i + 1)) row++;
  const cut = Math.max(0, column - 60);
  const excerpt = `${line.slice(cut, cut + 100).replace(/[\t\r]/g, ' ')}\n${' '.repeat(column - cut)}^`;
  return { where: `${s.name}:${row}:${column + 1}`, excerpt };
}

function describe(s: Scanner, at: number): string {
  if (at >= s.text.length) return 'the end of the text';
  const found = /"[^"\n]{0,40}"?|[A-Za-z_][A-Za-z0-9_]*|-?\d[0-9.eE+-]*|[\s\S]/uy;
  found.lastIndex = at;
  const word = found.exec(s.text)?.[0] ?? s.text[at]!;
  return word.startsWith('"') ? word : `"${word.slice(0, 40)}"`;
}
