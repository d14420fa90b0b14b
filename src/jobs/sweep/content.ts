/** Models and data by their content: a list of files with their hashes, which has a hash itself. Where a file lies and what a model's file
 *  is called are no part of it. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { openModel } from '../../model/formats/open-file.ts';
import { pathsOf } from '../../model/formats/opened.ts';
import { canonicalJson } from '../../support/canonical-json.ts';
import { inputChanged } from '../../support/diagnostics/sweep.ts';
import { sha256Text } from '../../support/hash.ts';
import { readProblem } from '../../support/read-problem.ts';
import { digest } from './job.ts';

/** A path below the tree's folder, with forward slashes. */
export const relativePath = z
  .string()
  .min(1)
  .refine(
    (text) => !text.split(/[/\\]/).some((part) => part === '..' || part === '') && !/^[a-z]:/i.test(text),
  );

export const treeSchema = z.strictObject({
  /** What is named of it, as a model's file or a folder of data; '' for the whole folder. */
  entry: z.union([relativePath, z.literal('')]),
  files: z
    .array(z.strictObject({ path: relativePath, sha256: digest, bytes: z.number().int().min(0) }))
    .min(1),
});
export type Tree = z.output<typeof treeSchema>;

/** A tree whose files lie somewhere on this machine. */
export interface LocalTree {
  readonly sha256: string;
  readonly tree: Tree;
  /** Of each file, in the order of the tree. */
  readonly sources: readonly LocalFile[];
  readonly sizeBytes: number;
  /** The folder that it is, where it is one. */
  readonly folder: string | null;
}

interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

interface Placed {
  /** In the tree. */
  readonly as: string;
  readonly from: string;
}

/** Of the text of a tree, as it is stored. */
export const treeText = (tree: Tree): string => canonicalJson(tree);

/** What may lie beside a model, or in the folder above, and says something about it. */
const besideModel = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'config_sentence_transformers.json',
  'modules.json',
];

/** A model with its other files and what lies beside it. @param model  a file or folder @throws what openModel throws */
export async function modelTree(model: string): Promise<LocalTree> {
  const [file = model, ...rest] = pathsOf(openModel(model));
  const folder = path.dirname(path.resolve(file));
  // Exports of transformers lie in a folder of this name, which is looked for above.
  const home = path.basename(folder) === 'onnx' ? 'onnx' : 'model';
  const name = `${home}/model${/\.onnx\.txt$/i.exec(file)?.[0] ?? path.extname(file).toLowerCase()}`;
  const others = rest.map((from) => ({
    as: `${home}/${path.relative(folder, path.resolve(from)).split(path.sep).join('/')}`,
    from,
  }));
  const beside = besideModel.flatMap((one) => [
    { as: `${home}/${one}`, from: path.join(folder, one) },
    { as: one, from: path.join(folder, '..', one) },
  ]);
  const found = beside.filter(({ from }) => existsSync(from));
  return localTree(name, [{ as: name, from: file }, ...others, ...found]);
}

/** A file, or all files of a folder that aren't hidden. @throws FILE_NOT_FOUND … */
export async function dataTree(place: string): Promise<LocalTree> {
  if (stat(place).isDirectory()) {
    const tree = await localTree('data', within(place, 'data'));
    return { ...tree, folder: path.resolve(place) };
  }
  const name = `data/${path.basename(place)}`;
  const settings = path.join(path.dirname(place), 'tokenizer_config.json');
  const beside = path.basename(place) === 'tokenizer.json' && existsSync(settings);
  return localTree(name, [
    { as: name, from: place },
    ...(beside ? [{ as: 'data/tokenizer_config.json', from: settings }] : []),
  ]);
}

function within(folder: string, as: string): Placed[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name }) => {
      const from = path.join(folder, name);
      return stat(from).isDirectory() ? within(from, `${as}/${name}`) : [{ as: `${as}/${name}`, from }];
    });
}

async function localTree(entry: string, placed: readonly Placed[]): Promise<LocalTree> {
  const ordered = [...placed].sort((a, b) => (a.as < b.as ? -1 : 1));
  const sources = ordered.map(({ from }) => localFile(from));
  const files: Tree['files'] = [];
  for (const [i, { as, from }] of ordered.entries())
    files.push({ path: as, sha256: await sha256OfFile(from), bytes: sources[i]!.bytes });
  const tree = treeSchema.parse({ entry, files });
  const sizeBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return { sha256: await sha256Text(treeText(tree)), tree, sources, sizeBytes, folder: null };
}

function localFile(file: string): LocalFile {
  const { size, mtimeMs } = stat(file);
  return { path: path.resolve(file), bytes: size, modifiedMs: mtimeMs };
}

function stat(file: string) {
  try {
    return statSync(file);
  } catch (cause) {
    throw readProblem(file, cause);
  }
}

/** As hexadecimal digits. @throws FILE_NOT_FOUND … */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (cause) {
    throw readProblem(file, cause);
  }
  return hash.digest('hex');
}

/** @throws SWEEP_INPUT_CHANGED for a file that was written to since its hash was taken */
export function requireUnchanged({ sources }: LocalTree): void {
  for (const source of sources) {
    const now = statSync(source.path, { throwIfNoEntry: false });
    if (now?.size !== source.bytes || now.mtimeMs !== source.modifiedMs) throw inputChanged(source.path);
  }
}
