/** Models and data as files, for the process that does a job: linked where they lie here already, else fetched from a store once. */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { contentMissing } from '../../support/diagnostics/sweep.ts';
import { type LocalTree, requireUnchanged, type Tree, treeSchema, treeText } from './content.ts';
import { contentName, getContent, type Store } from './store.ts';

/** Where content is, by its hash. */
export interface Contents {
  /** @returns the path of what is named of it @throws CONTENT_MISSING, CONTENT_DAMAGED, SWEEP_INPUT_CHANGED */
  pathOf(sha256: string): Promise<string>;
}

/** Of this machine's own files. @param folder  for links to them */
export function localContents(trees: ReadonlyMap<string, LocalTree>, folder: string): Contents {
  return {
    async pathOf(sha256) {
      const local = trees.get(sha256);
      if (!local) throw contentMissing(`The content ${sha256}`, 'this machine');
      requireUnchanged(local);
      const place = path.join(folder, sha256);
      if (!existsSync(place)) link(local, place);
      return path.join(place, ...local.tree.entry.split('/'));
    },
  };
}

/** Under the names that the tree has for them: a result is then the same whatever a model's file is called. */
function link({ tree, sources, folder }: LocalTree, place: string): void {
  if (folder !== null) {
    mkdirSync(place, { recursive: true });
    symlinkSync(folder, path.join(place, ...tree.entry.split('/')));
    return;
  }
  for (const [i, file] of tree.files.entries()) {
    const to = path.join(place, ...file.path.split('/'));
    mkdirSync(path.dirname(to), { recursive: true });
    linkOrCopy(sources[i]!.path, to);
  }
}

/** No symbolic link: weights outside of the model's folder are refused. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** From a store, each file verified by its hash. @param folder  a cache that later runs find them in */
export function fetchedContents(store: Store, folder: string): Contents {
  const fetching = new Map<string, Promise<string>>();
  const entryIn = (sha256: string, { entry }: Tree) => path.join(folder, sha256, ...entry.split('/'));
  const fetched = async (sha256: string): Promise<string> => {
    const tree = await readTree(store, sha256);
    const place = path.join(folder, sha256);
    if (!existsSync(place)) await fetchTree(store, tree, place);
    return entryIn(sha256, tree);
  };
  return {
    pathOf(sha256) {
      const found = fetching.get(sha256) ?? fetched(sha256);
      fetching.set(sha256, found);
      found.catch(() => fetching.delete(sha256));
      return found;
    },
  };
}

async function readTree(store: Store, sha256: string): Promise<Tree> {
  const bytes = await store.read(contentName(sha256));
  if (bytes === null) throw contentMissing(`The content ${sha256}`, store.name);
  return treeSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

/** All of it, or nothing under its name. */
async function fetchTree(store: Store, tree: Tree, place: string): Promise<void> {
  mkdirSync(path.dirname(place), { recursive: true });
  const making = mkdtempSync(`${place}.`);
  try {
    for (const file of tree.files)
      await getContent(store, file.sha256, path.join(making, ...file.path.split('/')));
    renameSync(making, place);
  } catch (error) {
    // Another process came first.
    if (!existsSync(place)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** Puts models and data of this machine into a store, for workers elsewhere.
 *  @throws SWEEP_INPUT_CHANGED where a file is no more what its hash was taken of; nothing of it stays in the store then */
export async function putTree(store: Store, local: LocalTree): Promise<void> {
  const { sha256, tree, sources } = local;
  requireUnchanged(local);
  const put: string[] = [];
  try {
    for (const [i, file] of tree.files.entries()) {
      const name = contentName(file.sha256);
      if (await store.has(name)) continue;
      put.push(name);
      await store.put(name, sources[i]!.path);
    }
    requireUnchanged(local);
  } catch (error) {
    for (const name of put) await store.remove(name).catch(() => {});
    throw error;
  }
  await store.write(contentName(sha256), new TextEncoder().encode(treeText(tree)));
}
