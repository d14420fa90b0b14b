/** Which column of a table is the text, which the other half of a pair, which the label: by name, else by what is in it. */
import { labelKeys } from '../labels.ts';

/** Token ids stand for a text that is tokenised already. */
export type Cell = string | number | readonly number[] | null;

export interface Columns {
  readonly text: number;
  readonly second: number | null;
  readonly label: number | null;
  /** What was found, in plain words. */
  readonly notes: readonly string[];
}

const words = (list: string) => list.split(' ');

const textNames = words(
  'text sentence sentence1 text1 content document article review body message messages comment tweet utterance question premise query prompt instruction source src input input_text title input_ids tokens ids',
);
const secondNames = words(
  'sentence2 text2 text_pair hypothesis passage context answer response completion output target tgt translation summary highlights',
);
const labelNames = [...labelKeys, 'sentiment', 'label_text', 'stars', 'intent'];

/** Rows that columns are judged by. */
const looked = 1000;

/** Whether the first row names the columns: with usual names, or with words over a column of numbers. */
export function hasHeader(rows: readonly (readonly string[])[]): boolean {
  const [first = [], ...rest] = rows;
  const names = first.map((cell) => cell.trim().toLowerCase());
  const usual = (name: string) => [textNames, secondNames, labelNames].some((list) => list.includes(name));
  if (names.some(usual)) return true;
  if (rest.length === 0) return false;
  const isNumber = (cell: string | undefined) => /^\s*-?\d+(\.\d+)?\s*$/.test(cell ?? '');
  return first.some((cell, at) => !isNumber(cell) && rest.slice(0, looked).every((row) => isNumber(row[at])));
}

/** null where nothing is a text. */
export function findColumns(
  header: readonly string[] | null,
  rows: readonly (readonly Cell[])[],
): Columns | null {
  const facts = Array.from({ length: header?.length ?? rows[0]?.length ?? 0 }, (_, at) =>
    factsOf(rows.slice(0, looked).map((row) => row[at] ?? null)),
  );
  const names = header?.map((name) => name.toLowerCase()) ?? [];
  const named = (list: readonly string[], fits: (f: Facts) => boolean, not: readonly number[] = []) => {
    for (const name of list) {
      const at = names.indexOf(name);
      if (at >= 0 && !not.includes(at) && fits(facts[at]!)) return at;
    }
    return null;
  };
  const byName = named(textNames, (f) => f.isText);
  const text = byName ?? firstLong(facts, []);
  if (text === null) return null;
  const label = named(labelNames, (f) => f.isLabel, [text]) ?? (header ? null : labelLike(facts, text));
  const taken = [text, ...(label === null ? [] : [label])];
  const second = named(secondNames, (f) => f.isText, taken) ?? (header ? null : firstLong(facts, taken));
  const call = (at: number) => (header ? `"${header[at]}"` : `${at + 1}`);
  return {
    ...{ text, label, second },
    notes: [
      ...(facts.length > 1 ? [`texts in column ${call(text)}`] : []),
      ...(second === null ? [] : [`the other half of each pair in column ${call(second)}`]),
      ...(label === null ? [] : [`labels in column ${call(label)}`]),
    ],
  };
}

interface Facts {
  /** Mean of characters, or of token ids. */
  readonly length: number;
  readonly isText: boolean;
  /** Short values that come again, or small whole numbers. */
  readonly isLabel: boolean;
  readonly comesAgain: boolean;
}

function factsOf(cells: readonly Cell[]): Facts {
  const filled = cells.filter((cell) => cell !== null && cell !== '');
  const texts = filled.map((cell) => (Array.isArray(cell) ? 'tokens' : String(cell).trim()));
  const length = texts.reduce((sum, text) => sum + text.length, 0) / Math.max(1, texts.length);
  const isNumber = texts.every((text) => /^-?\d+(\.\d+)?$/.test(text));
  const distinct = new Set(texts).size;
  const isWhole = texts.every((text) => /^-?\d{1,4}$/.test(text));
  const comesAgain = distinct <= Math.max(2, texts.length / 2);
  return {
    length: filled.some((cell) => Array.isArray(cell)) ? 1e6 : length,
    isText: filled.length > 0 && !isNumber,
    isLabel: filled.length === cells.length && filled.length > 0 && length <= 40 && (isWhole || comesAgain),
    comesAgain,
  };
}

/** The first of those that are at least half as long as the longest. */
function firstLong(facts: readonly Facts[], not: readonly number[]): number | null {
  const most = Math.max(0, ...facts.flatMap((fact) => (fact.isText ? [fact.length] : [])));
  const at = facts.findIndex((fact, i) => fact.isText && !not.includes(i) && fact.length >= most / 2);
  return at < 0 ? null : at;
}

/** Without a header: short values that come again, beside the text. */
function labelLike(facts: readonly Facts[], text: number): number | null {
  const at = facts.findIndex(
    (fact, i) => i !== text && fact.isLabel && fact.comesAgain && fact.length <= facts[text]!.length / 2,
  );
  return at < 0 ? null : at;
}
