/** Texts in files: lines, CSV, TSV, JSON Lines and JSON. Which column is the text, the other half of a pair, or the label, follows
 *  from its name, else from what is in it. */
import Papa from 'papaparse';
import { textData } from '../../support/diagnostics/generation.ts';
import { type Cell, type Columns, findColumns, hasHeader } from './columns.ts';

export interface TextRecord {
  /** What a person would call it: "dev.tsv:12". */
  readonly id: string;
  readonly text: string;
  /** The other half of a pair; what should be made of the text. */
  readonly second?: string | undefined;
  /** A class index or name. */
  readonly label?: number | string | undefined;
  /** In place of the text, where data came tokenised. */
  readonly tokens?: readonly number[] | undefined;
}

export interface ParsedTexts {
  readonly records: readonly TextRecord[];
  /** The whole text of which the records are lines; null where each is a text of its own. */
  readonly prose: string | null;
  /** What was assumed rather than told. */
  readonly notes: readonly string[];
}

/** Endings of files that are read as texts. */
export const textExtensions: ReadonlySet<string> = new Set(
  '.txt .text .md .csv .tsv .jsonl .ndjson .json'.split(' '),
);

/** @param name  with its ending, by which it is read; for messages, too
 *  @throws TEXT_DATA */
export function parseTexts(content: string, name: string): ParsedTexts {
  if (/\.[ct]sv$/i.test(name)) return fromTable(content, name);
  if (/\.(jsonl|ndjson)$/i.test(name)) return fromItems(jsonLines(content, name), name, ':');
  if (/\.json$/i.test(name)) return fromItems(jsonList(content, name), name, '#');
  const lines = content.split(/\r?\n/).map((text, i) => ({ id: `${name}:${i + 1}`, text }));
  const records = lines.filter(({ text }) => text.trim() !== '');
  if (records.length === 0) throw textData(name, 'text', 'none');
  return { records, prose: content, notes: [] };
}

function fromTable(content: string, name: string): ParsedTexts {
  const tabs = /\.tsv$/i.test(name);
  // In tab-separated values a quote is a quote; in CSV a cell may be quoted.
  const { data, errors } = Papa.parse<string[]>(content, {
    skipEmptyLines: 'greedy',
    ...(tabs && { delimiter: '\t', quoteChar: '\0' }),
  });
  const broken = errors.find((e) => e.type === 'Quotes');
  if (broken)
    throw textData(name, 'CSV', `a quote that is not closed or not doubled, in row ${(broken.row ?? 0) + 1}`);
  const [first] = data;
  if (!first) throw textData(name, 'rows of cells', 'none');
  const ragged = data.findIndex((row) => row.length !== first.length);
  if (ragged >= 0)
    throw textData(
      name,
      'as many cells in every row',
      `${data[ragged]!.length} in row ${ragged + 1}, ${first.length} in the first`,
    );
  const header = hasHeader(data) ? first.map((cell) => cell.trim()) : null;
  return fromRows(header, header ? data.slice(1) : data, name, header ? 2 : 1);
}

function fromRows(
  header: readonly string[] | null,
  rows: readonly (readonly Cell[])[],
  name: string,
  firstRow: number,
): ParsedTexts {
  const columns = findColumns(header, rows);
  if (!columns) throw textData(name, 'a column of texts', header ? `columns ${header.join(', ')}` : 'none');
  const records = rows.map((row, i) => recordOf(row, columns, `${name}:${i + firstRow}`));
  const kept = records.filter((r) => r.text.trim() !== '' || r.tokens);
  if (kept.length === 0) throw textData(name, 'texts', 'empty cells');
  return { records: withoutMarks(kept), prose: null, notes: columns.notes };
}

function recordOf(row: readonly Cell[], { text, second, label }: Columns, id: string): TextRecord {
  const cell = (at: number | null) => (at === null ? undefined : row[at]);
  const value = cell(label);
  const found = cell(text);
  return {
    id,
    text: typeof found === 'string' ? found : '',
    ...(isTokens(found) && { tokens: found }),
    ...(second !== null && { second: String(cell(second) ?? '') }),
    ...((typeof value === 'number' || typeof value === 'string') && { label: value }),
  };
}

/** Test sets without labels have −1 in their place. */
const withoutMarks = (records: readonly TextRecord[]): readonly TextRecord[] =>
  records.every(({ label }) => String(label) === '-1')
    ? records.map(({ label: _, ...record }) => record)
    : records;

function jsonLines(content: string, name: string): unknown[] {
  return content.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      throw textData(name, 'a JSON value in every line', `something else in line ${i + 1}`);
    }
  });
}

const lists = 'a list of texts, of objects with a text, or of lists of token ids';

function jsonList(content: string, name: string): unknown[] {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    throw textData(name, lists, 'a file that is not valid JSON');
  }
  const held = isObject(json) ? (['data', 'ids'].map((k) => json[k]).find(Array.isArray) ?? json) : json;
  if (isTokens(held) && held.length > 0) return [held];
  if (!Array.isArray(held)) throw textData(name, lists, 'something else');
  return held;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTokens = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((id) => Number.isInteger(id) && (id as number) >= 0);

function fromItems(items: readonly unknown[], name: string, mark: string): ParsedTexts {
  const [first] = items;
  const id = (i: number) => `${name}${mark}${i + 1}`;
  if (first === undefined) throw textData(name, lists, 'none');
  if (isObject(first)) {
    const header = [
      ...new Set(items.slice(0, 100).flatMap((item) => (isObject(item) ? Object.keys(item) : []))),
    ];
    const odd = items.findIndex((item) => !isObject(item));
    if (odd >= 0) throw textData(name, 'an object in every place', `something else in place ${odd + 1}`);
    return fromRows(
      header,
      items.map((item) => header.map((key) => cellOf((item as Record<string, unknown>)[key]))),
      name,
      1,
    );
  }
  const records = items.map((item, i): TextRecord => {
    if (typeof item === 'string') return { id: id(i), text: item };
    if (isTokens(item) && item.length > 0) return { id: id(i), text: '', tokens: item };
    throw textData(name, lists, `something else in place ${i + 1}`);
  });
  return { records: records.filter((r) => r.tokens || r.text.trim() !== ''), prose: null, notes: [] };
}

/** Conversations, [{ role, content }, …], are their contents line by line. */
function cellOf(value: unknown): Cell {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (isTokens(value) && value.length > 0) return value;
  const said = Array.isArray(value) ? value.map((turn) => (isObject(turn) ? turn['content'] : null)) : [];
  return said.length > 0 && said.every((s) => typeof s === 'string') ? said.join('\n') : null;
}
