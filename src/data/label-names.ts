/** Names of classes, by index, from a file. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { labelNamesInvalid } from '../support/diagnostics/bundle.ts';
import { readProblem } from '../support/read-problem.ts';

/** A text file with one name a line, a JSON array of names, or JSON with `id2label` (or a map from index to name).
 *  @throws FILE_NOT_FOUND …, LABEL_NAMES_INVALID */
export function readLabelNames(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw readProblem(path, cause);
  }
  const names = extname(path).toLowerCase() === '.json' ? fromJson(path, text) : fromLines(text);
  if (names.length === 0) throw labelNamesInvalid(path, 'it is empty');
  return names;
}

const fromLines = (text: string) =>
  text
    .replace(/\s+$/, '')
    .split(/\r?\n/)
    .map((line) => line.trim());

function fromJson(path: string, text: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw labelNamesInvalid(path, 'it is not valid JSON');
  }
  if (Array.isArray(json)) return strings(path, json);
  const map = (json as { id2label?: unknown } | null)?.id2label ?? json;
  if (typeof map !== 'object' || map === null)
    throw labelNamesInvalid(path, 'it is neither a list nor a map');
  const entries = Object.entries(map);
  const names = new Array<unknown>(entries.length).fill(undefined);
  for (const [key, name] of entries) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= entries.length)
      throw labelNamesInvalid(path, `"${key}" is not an index from 0 to ${entries.length - 1}`);
    names[index] = name;
  }
  return strings(path, names);
}

function strings(path: string, names: readonly unknown[]): string[] {
  const odd = names.findIndex((name) => typeof name !== 'string');
  if (odd >= 0) throw labelNamesInvalid(path, `entry ${odd} is ${JSON.stringify(names[odd]) ?? 'missing'}`);
  return names as string[];
}
