/** Opens files of texts as samples of a model. */
import { basename } from 'node:path';
import { folderOf } from '../../model/formats/open-file.ts';
import type { OpenedModel } from '../../model/formats/opened.ts';
import type { Port } from '../../model/ir/port.ts';
import { inputNotText } from '../../support/diagnostics/data.ts';
import type { ClassLabels, OwnClasses } from '../classes.ts';
import { type DataFile, readBounded } from '../data-files.ts';
import { labelFinder } from '../label-files.ts';
import { labelsOfValues } from '../labels.ts';
import { formatInput } from '../picture-input.ts';
import type { DataSource } from '../source.ts';
import { decodeText } from './decode-text.ts';
import { readModelConfig } from './model-config.ts';
import { openTokenizer } from './open-tokenizer.ts';
import { type ParsedTexts, parseTexts, type TextRecord } from './parse-texts.ts';
import { textModelOf } from './text-model.ts';
import { createTextSource, requireWhole } from './text-source.ts';

/** Bytes of one file of texts, at most: it is held in memory. */
const mostBytes = 256 * 2 ** 20;

export interface TextFileOptions {
  /** The model that texts are for: its outputs and tables, and what lies beside its file. */
  readonly model?: OpenedModel | undefined;
  readonly tokenizer?: string | undefined;
  readonly window?: number | undefined;
  readonly labels?: string | undefined;
}

/** @param found  a label file in the folder
 *  @throws TEXT_DATA, TEXT_ENCODING, TOKENIZER_REQUIRED, TOKENIZER_INVALID, INPUT_NOT_TEXT, LABELS_INVALID, LABELS_UNMATCHED, DATA_TOO_LARGE */
export async function openTexts(
  files: readonly DataFile[],
  name: string,
  ports: readonly Port[],
  options: TextFileOptions & {
    readonly choose: (count: number) => readonly number[];
    readonly own: OwnClasses;
    readonly found?: string | undefined;
    readonly notes?: readonly string[];
  },
): Promise<DataSource> {
  const model = textModelOf(ports, options.model?.model);
  if (!model)
    throw inputNotText(
      name,
      ports.map((p) => `"${p.name}" ${formatInput(p)}`),
    );
  requireWhole(model, name);
  const folder = options.model ? folderOf(options.model) : null;
  const config = readModelConfig(folder);
  const parsed = await readAllTexts(files);
  const needsTokenizer = parsed.records.some(({ tokens }) => tokens === undefined);
  const tokenizer = needsTokenizer ? await openTokenizer(options, `The text of ${name}`) : null;
  const notes = [...(options.notes ?? []), ...parsed.notes];
  return createTextSource({
    name,
    texts: parsed.records,
    prose: parsed.prose,
    tokenizer,
    model,
    window: options.window,
    startToken: config.start,
    labels: await labelsFor(parsed, name, { ...options, own: options.own ?? config.classes, notes }),
    notes,
    choose: options.choose,
  });
}

/** @throws TEXT_ENCODING, DATA_UNREADABLE, DATA_TOO_LARGE */
export const textOf = async (path: string): Promise<string> =>
  decodeText(await readBounded(path, mostBytes), basename(path));

/** Many short files of prose are a text each, as class folders of reviews have them. */
async function readAllTexts(files: readonly DataFile[]): Promise<ParsedTexts> {
  const all: ParsedTexts[] = [];
  for (const file of files) all.push(parseTexts(await textOf(file.path), file.name));
  const [only] = all;
  if (all.length === 1 && only) return only;
  const notes = [...new Set(all.flatMap((parsed) => parsed.notes))];
  const count = all.reduce((sum, { records }) => sum + records.length, 0);
  const areTexts = all.every(({ prose }) => prose !== null) && count / all.length < 50;
  if (!areTexts) return { records: all.flatMap(({ records }) => [...records]), prose: null, notes };
  const records = all.map(
    ({ prose }, i): TextRecord => ({ id: files[i]!.name, text: prose?.trimEnd() ?? '' }),
  );
  return { records, prose: null, notes: ['each file is one text', ...notes] };
}

async function labelsFor(
  { records }: ParsedTexts,
  name: string,
  {
    labels,
    found,
    own,
    notes,
  }: { labels?: string | undefined; found?: string | undefined; own: OwnClasses; notes: string[] },
): Promise<ClassLabels | null> {
  const inside = records.map(({ label }) => label);
  const ids = records.map(({ id }) => id);
  if (labels === undefined && inside.every((label) => label !== undefined))
    return labelsOfValues(inside, basename(name), own);
  const finder = await labelFinder({ given: labels, found, folders: true, notes, own });
  return finder?.(ids) ?? null;
}
