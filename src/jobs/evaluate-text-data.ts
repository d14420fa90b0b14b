/** Data for metrics of text: a text file or token ids, and pairs of source and target. */
import { basename } from 'node:path';
import { textOf } from '../data/text/open-texts.ts';
import { openTokenizer, type TokenizerChoice } from '../data/text/open-tokenizer.ts';
import { parseTexts } from '../data/text/parse-texts.ts';
import type { TextTokenizer } from '../data/text/tokenizer.ts';
import { textData } from '../support/diagnostics/generation.ts';

export interface Texts {
  readonly ids: readonly (readonly number[])[];
  /** null for data that came as ids. */
  readonly tokenizer: TextTokenizer | null;
}

/** A text is tokenised as a whole; rows of a table and values of a JSON file are texts, or lists of token ids, of their own.
 *  @throws DATA_NOT_FOUND, DATA_UNREADABLE, DATA_TOO_LARGE, TEXT_DATA, TOKENIZER_REQUIRED for a text without tokeniser */
export async function readTexts(path: string, choice: TokenizerChoice): Promise<Texts> {
  const content = await textOf(path);
  const { records, prose } = parseTexts(content, basename(path));
  const ids = records.flatMap(({ tokens }) => (tokens ? [tokens] : []));
  if (ids.length === records.length) return { ids, tokenizer: null };
  const tokenizer = await openTokenizer(choice, `The text of ${basename(path)}`);
  const texts = prose === null ? records.map(({ text }) => text) : [prose];
  return { ids: texts.map((text) => tokenizer.encode(text)), tokenizer: choice.ids ? null : tokenizer };
}

export interface Pair {
  readonly source: string;
  /** One at least. */
  readonly targets: readonly string[];
}

/** Lines of source, tab, target; more targets after more tabs are equally right. Empty lines are passed over. CSV and JSON Lines have a
 *  column for each half.
 *  @param limit  pairs at most, spread over the file
 *  @throws TEXT_DATA for a line without tab or a file without pairs */
export async function readPairs(path: string, limit = Number.POSITIVE_INFINITY): Promise<Pair[]> {
  const content = await textOf(path);
  const pairs = /\.(csv|jsonl|ndjson|json)$/i.test(path)
    ? pairsInTable(content, path)
    : pairsInLines(content, path);
  const count = Math.min(limit, pairs.length);
  return Array.from({ length: count }, (_, k) => pairs[Math.floor((k * pairs.length) / count)]!);
}

function pairsInTable(content: string, path: string): Pair[] {
  return parseTexts(content, basename(path)).records.map(({ id, text, second }) => {
    if (second === undefined)
      throw textData(path, 'a source and a target in every row', `one column (${id})`);
    return { source: text, targets: [second] };
  });
}

function pairsInLines(content: string, path: string): Pair[] {
  const pairs: Pair[] = [];
  for (const [i, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [source = '', ...targets] = line.split('\t');
    if (targets.length === 0)
      throw textData(path, 'lines of source, tab, target', `no tab in line ${i + 1}: ${excerpt(line)}`);
    pairs.push({ source, targets });
  }
  if (pairs.length === 0) throw textData(path, 'lines of source, tab, target', 'none');
  return pairs;
}

const excerpt = (line: string) => JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);
