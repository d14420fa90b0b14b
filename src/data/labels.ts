/** Class labels that stand beside the data: CSV, JSON or an array. Parsing and matching only; open.ts reads
 *  the file. */

import { isFloat } from '../model/ir/dtype.ts';
import { numbers, type Tensor } from '../model/ir/tensor.ts';
import { labelsInvalid, labelsUnmatched } from '../support/diagnostics/data.ts';
import { isCoco } from './annotations/coco.ts';
import { type ClassLabels, numberNames, type OwnClasses } from './classes.ts';

interface Entry {
  /** null: labels are in the order of the samples. */
  readonly file: string | null;
  /** A class index, or a class name to be numbered. */
  readonly value: number | string;
  /** Name of the class when `value` is its index. */
  readonly name?: string | undefined;
}

export type LabelTable = readonly Entry[];

const fileKeys = ['file', 'filename', 'file_name', 'path', 'image', 'imageid', 'image_id', 'id'];
const indexKeys = ['index', 'class_index', 'class_id', 'label_index', 'target'];
/** Names of columns that hold labels. */
export const labelKeys = ['label', 'class', 'category', 'y', ...indexKeys];
const nameKeys = ['name', 'class_name', 'label_name'];

/** CSV (also tab, semicolon or space separated): file and label, with or without a header, or one column of
 *  labels in the order of the samples. Labels are class indices when all are whole numbers, class names
 *  otherwise.
 *  @throws LABELS_INVALID */
export function parseLabelCsv(text: string, where: string): LabelTable {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  if (lines.length === 0) throw labelsInvalid(where, 'there are no lines');
  const separator = [',', '\t', ';'].find((s) => lines[0]!.includes(s)) ?? null;
  const rows = lines.map((line) => (separator ? cells(line, separator) : lastWord(line)));
  const columns = rows[0]!.length;
  const ragged = rows.findIndex((row) => row.length < columns);
  if (ragged >= 0)
    throw labelsInvalid(
      where,
      `line ${ragged + 1} has ${rows[ragged]!.length} columns, the first ${columns}`,
    );
  const header = rows[0]!.map((cell) => cell.trim().toLowerCase());
  const place = (keys: readonly string[]) => keys.map((k) => header.indexOf(k)).find((i) => i >= 0) ?? -1;
  const named = { file: place(fileKeys), label: place(labelKeys), name: place(nameKeys) };
  const label =
    named.label >= 0 ? named.label : named.file >= 0 && named.name >= 0 ? named.name : columns - 1;
  const known = named.label >= 0 || named.file >= 0;
  const body = known || looksLikeHeader(rows, columns === 1 ? 0 : 1) ? rows.slice(1) : rows;
  const at = known ? label : Math.min(1, columns - 1);
  const file = columns === 1 ? -1 : Math.max(0, named.file);
  if (file === at)
    throw labelsInvalid(where, `no column named ${labelKeys.slice(0, 4).join(', ')} in the header`);
  return typed(
    body.map((row) => ({
      file: file < 0 ? null : row[file]!.trim(),
      value: row[at]!.trim(),
      name: known && named.name !== at ? row[named.name]?.trim() : undefined,
    })),
    where,
  );
}

/** JSON: [{ file, index | label, name? }], [["file", label]], { file: label }, or [label] in the order of
 *  the samples.
 *  @throws LABELS_INVALID */
export function parseLabelJson(text: string, where: string): LabelTable {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw labelsInvalid(where, 'not valid JSON', cause);
  }
  if (Array.isArray(json))
    return typed(
      json.map((item, i) => fromItem(item, where, i)),
      where,
    );
  if (typeof json !== 'object' || json === null) throw labelsInvalid(where, 'neither a list nor an object');
  if (isCoco(json)) throw labelsInvalid(where, "COCO's annotations, which are labels of pictures");
  return typed(
    Object.entries(json).map(([file, value]) => ({ file, value: scalarOf(value, where, file) })),
    where,
  );
}

/** An integer array with one class index for each sample.
 *  @throws LABELS_INVALID */
export function parseLabelArray(tensor: Tensor, where: string): LabelTable {
  const long = tensor.dims.filter((d) => d !== 1).length;
  if (long > 1)
    throw labelsInvalid(where, `array [${tensor.dims.join(',')}]; one class index a sample is needed`);
  const values = numbers(tensor);
  if (isFloat(tensor.dtype) && values.some((v) => !Number.isInteger(v)))
    throw labelsInvalid(where, `${tensor.dtype} values that are not whole numbers`);
  return typed(
    values.map((value) => ({ file: null, value })),
    where,
  );
}

/** Class indices, or class names, that stand with the samples.
 *  @throws LABELS_INVALID */
export const labelsOfValues = (
  values: readonly (number | string)[],
  where: string,
  own?: OwnClasses,
): ClassLabels =>
  matchLabels(
    typed(
      values.map((value) => ({ file: null, value })),
      where,
    ),
    values.map(String),
    where,
    own,
  );

/** Labels for samples, matched by path, else by file name, else by file name without its ending.
 *  @param ids  relative paths of the samples
 *  @param own  names of the model's classes by index, where it says them
 *  @throws LABELS_UNMATCHED when samples are left without; LABELS_INVALID when counts differ or a name is
 *  ambiguous */
export function matchLabels(
  table: LabelTable,
  ids: readonly string[],
  where: string,
  own?: OwnClasses,
): ClassLabels {
  const { index, ...numbers } = numbered(table, where, own);
  const ordered = table[0]?.file === null;
  if (ordered && table.length !== ids.length)
    throw labelsInvalid(where, `${table.length} labels for ${ids.length} samples`);
  if (ordered) return { labels: table.map(index), ...numbers };
  const ways = [(p: string) => p, fileName, (p: string) => withoutEnding(fileName(p))];
  const maps = ways.map((way) => lookup(table, way));
  const used = new Set<Entry>();
  const unlabelled: string[] = [];
  const labels = ids.map((id) => {
    for (const [i, way] of ways.entries()) {
      const entry = maps[i]!.get(normal(way(normal(id))));
      if (entry === 'ambiguous')
        throw labelsInvalid(where, `"${way(id)}" stands for several files; write paths relative to the data`);
      if (!entry) continue;
      used.add(entry);
      return index(entry);
    }
    unlabelled.push(id);
    return -1;
  });
  if (unlabelled.length > 0) {
    const unused = table.filter((entry) => !used.has(entry)).map((entry) => entry.file!);
    throw labelsUnmatched(where, ids.length, unlabelled, unused);
  }
  return { labels, ...numbers };
}

function lookup(table: LabelTable, way: (path: string) => string) {
  const map = new Map<string, Entry | 'ambiguous'>();
  for (const entry of table) {
    const key = normal(way(normal(entry.file!)));
    const other = map.get(key);
    map.set(key, other && other !== 'ambiguous' && other.value !== entry.value ? 'ambiguous' : entry);
  }
  return map;
}

const normal = (path: string) => path.replaceAll('\\', '/').replace(/^\.\//, '');
const fileName = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const withoutEnding = (name: string) => name.replace(/\.[^.]+$/, '');

function numbered(table: LabelTable, where: string, own: OwnClasses) {
  if (table.every((entry) => typeof entry.value === 'number')) {
    const classes: string[] = [];
    for (const { value, name } of table) if (name) classes[value as number] = name;
    const named = Array.from(classes, (name, i) => name ?? `class ${i}`);
    const missing = classes.length - Object.keys(classes).length;
    const unnamed = missing > 0 ? `, which names ${classes.length - missing} of ${classes.length}` : '';
    const how = `class indices from ${where}${unnamed}`;
    return { index: (e: Entry) => e.value as number, classes: named, how };
  }
  const names = table.map((entry) => String(entry.value));
  const { labels, ...named } = numberNames(names, `the class names of ${where}`, own);
  const places = new Map(names.map((name, i) => [name, labels[i]!]));
  return { index: (e: Entry) => places.get(String(e.value))!, ...named };
}

/** Whole numbers written as text become numbers when all are. */
function typed(entries: readonly Entry[], where: string): LabelTable {
  if (entries.length === 0) throw labelsInvalid(where, 'there are no labels');
  const whole = entries.every((e) => /^\d+$/.test(String(e.value)));
  if (whole) return entries.map((e) => ({ ...e, value: Number(e.value) }));
  const odd = entries.find(
    (e) => typeof e.value === 'number' && !(Number.isInteger(e.value) && e.value >= 0),
  );
  if (odd) throw labelsInvalid(where, `"${odd.value}" is not a class index`);
  return entries;
}

function fromItem(item: unknown, where: string, i: number): Entry {
  if (Array.isArray(item) && item.length === 2)
    return { file: String(item[0]), value: scalarOf(item[1], where, `entry ${i}`) };
  if (typeof item !== 'object' || item === null)
    return { file: null, value: scalarOf(item, where, `entry ${i}`) };
  const record = item as Record<string, unknown>;
  const pick = (keys: readonly string[]) => record[keys.find((key) => key in record) ?? ''];
  const file = pick(fileKeys);
  const value = pick(indexKeys) ?? pick(labelKeys) ?? pick(nameKeys);
  if (typeof file !== 'string') throw labelsInvalid(where, `entry ${i} has no "file"`);
  const name = pick(nameKeys);
  return {
    file,
    value: scalarOf(value, where, `entry ${i}`),
    name: typeof name === 'string' ? name : undefined,
  };
}

function scalarOf(value: unknown, where: string, at: string): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  throw labelsInvalid(where, `${at} has no label (a number or a name)`);
}

/** A first line whose label cell is not a number while all below are, or whose file cell has no ending
 *  while all below do. */
function looksLikeHeader(rows: readonly (readonly string[])[], column: number): boolean {
  const [first, ...rest] = rows;
  if (!first || rest.length === 0) return false;
  const isNumber = (row: readonly string[]) => /^\s*\d+\s*$/.test(row[column] ?? '');
  const hasEnding = (row: readonly string[]) => /\.[a-z]{2,5}\s*$/i.test(row[0]!);
  if (!isNumber(first) && rest.every(isNumber)) return true;
  return column > 0 && !hasEnding(first) && rest.every(hasEnding);
}

/** Cells of one line; "quoted, ""so""" cells may hold the separator. */
function cells(line: string, separator: string): string[] {
  const found: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (c === '"' && quoted && line[i + 1] === '"') {
      cell += '"';
      i++;
    } else if (c === '"' && (quoted || cell.trim() === '')) quoted = !quoted;
    else if (c === separator && !quoted) {
      found.push(cell);
      cell = '';
    } else cell += c;
  }
  return [...found, cell];
}

/** "val/1.JPEG 65", as Caffe lists have it. */
function lastWord(line: string): string[] {
  const split = /^(.*\S)\s+(\S+)$/.exec(line.trim());
  return split && /^\d+$/.test(split[2]!) ? [split[1]!, split[2]!] : [line.trim()];
}
