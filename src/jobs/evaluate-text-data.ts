/** Data for metrics of text: a text file or token ids, and pairs of source and target. */
import { basename } from 'node:path';
import type { TextTokenizer } from '../judge/generate/tokenizer.ts';
import { textData } from '../support/diagnostics/generation.ts';
import { openTokenizer, readBytes, type TokenizerChoice } from './generate-tokenizer.ts';

export interface Texts {
  readonly ids: readonly (readonly number[])[];
  /** null for data that came as ids. */
  readonly tokenizer: TextTokenizer | null;
}

/** .json: [[id, …], …], one list, or { "ids": … }. Anything else is a text, tokenised as a whole.
 *  @throws TEXT_DATA, FILE_NOT_FOUND …, TOKENIZER_REQUIRED for a text without tokeniser */
export async function readTexts(path: string, choice: TokenizerChoice): Promise<Texts> {
  const text = textOf(path);
  if (/\.json$/i.test(path)) return { ids: idLists(text, path), tokenizer: null };
  const tokenizer = await openTokenizer(choice, `The text of ${basename(path)}`);
  return { ids: [tokenizer.encode(text)], tokenizer: choice.ids ? null : tokenizer };
}

function textOf(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readBytes(path));
  } catch (error) {
    if (error instanceof TypeError) throw textData(path, 'text in UTF-8', 'other bytes');
    throw error;
  }
}

function idLists(text: string, path: string): number[][] {
  const expected = 'lists of token ids ([[1, 403, …], …])';
  const json = parsed(text, path, expected);
  const held: unknown =
    typeof json === 'object' && json !== null && 'ids' in json ? (json as { ids: unknown }).ids : json;
  const lists: unknown[] = Array.isArray(held) && held.every(Array.isArray) ? held : [held];
  const isIds = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((id) => Number.isInteger(id) && (id as number) >= 0);
  if (!lists.every(isIds)) throw textData(path, expected, 'something else');
  return lists;
}

function parsed(text: string, path: string, expected: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw textData(path, expected, 'a file that is not valid JSON');
  }
}

export interface Pair {
  readonly source: string;
  /** One at least. */
  readonly targets: readonly string[];
}

/** Lines of source, tab, target; more targets after more tabs are equally right. Empty lines are passed over.
 *  @param limit  pairs at most, spread over the file
 *  @throws TEXT_DATA for a line without tab or a file without pairs */
export function readPairs(path: string, limit = Number.POSITIVE_INFINITY): Pair[] {
  const pairs: Pair[] = [];
  for (const [i, line] of textOf(path).split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [source = '', ...targets] = line.split('\t');
    if (targets.length === 0)
      throw textData(path, 'lines of source, tab, target', `no tab in line ${i + 1}: ${excerpt(line)}`);
    pairs.push({ source, targets });
  }
  if (pairs.length === 0) throw textData(path, 'lines of source, tab, target', 'none');
  const count = Math.min(limit, pairs.length);
  return Array.from({ length: count }, (_, k) => pairs[Math.floor((k * pairs.length) / count)]!);
}

const excerpt = (line: string) => JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);
