/** Where results and contents are kept under names that follow from what they are: written once, the same whoever writes them. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { failureReason } from '../../ship/emit/write.ts';
import { outputUnwritable } from '../../support/diagnostics/files.ts';
import { contentDamaged, contentMissing } from '../../support/diagnostics/sweep.ts';
import { cacheFolder } from '../../support/json-store.ts';
import { readProblem } from '../../support/read-problem.ts';
import { isBucket, isUrl } from '../../support/url.ts';
import { sha256OfFile } from './content.ts';
import { httpStore } from './http-store.ts';
import { unwritten } from './own-disk.ts';
import { s3Store } from './s3-store.ts';

/** Objects by name: "contents/<hash>", "results/<key>.json". */
export interface Store {
  /** For messages. */
  readonly name: string;
  has(name: string): Promise<boolean>;
  /** null where there is none. */
  read(name: string): Promise<Uint8Array | null>;
  /** Complete or not at all; one that is there already stays. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Copies a file into it. */
  put(name: string, file: string): Promise<void>;
  /** Copies one of it to a place where no file is. @returns whether it is there */
  get(name: string, file: string): Promise<boolean>;
  remove(name: string): Promise<void>;
}

export const contentName = (sha256: string): string => `contents/${sha256.slice(0, 2)}/${sha256}`;
export const resultName = (key: string): string => `results/${key.slice(0, 2)}/${key}.json`;

/** @param place  a folder, an address on the web or s3://bucket/prefix; undefined: the folder of this user
 *  @throws STORE_SETTING_MISSING, STORE_SETTING_INVALID for a bucket without keys */
export function openStore(place: string | undefined): Store {
  if (isBucket(place)) return s3Store(place);
  return isUrl(place) ? httpStore(place) : folderStore(place ?? cacheFolder('jobs'));
}

/** A folder, which processes and machines may share. */
function folderStore(folder: string): Store {
  const at = (name: string) => path.join(folder, ...name.split('/'));
  const appear = (name: string, make: (file: string) => void): void => {
    const file = at(name);
    const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
    try {
      mkdirSync(path.dirname(file), { recursive: true });
      make(temporary);
      place(temporary, file);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
        throw outputUnwritable(file, failureReason(cause), cause);
    } finally {
      rmSync(temporary, { force: true });
    }
  };
  return {
    name: folder,
    has: async (name) => existsSync(at(name)),
    read: async (name) => {
      try {
        return readFileSync(at(name));
      } catch (cause) {
        if (isAbsent(cause)) return null;
        throw readProblem(at(name), cause);
      }
    },
    write: async (name, bytes) => appear(name, (file) => writeFileSync(file, bytes, { flush: true })),
    put: async (name, from) => {
      if (!existsSync(at(name))) appear(name, (file) => copyDurably(from, file));
    },
    get: async (name, to) => {
      try {
        mkdirSync(path.dirname(to), { recursive: true });
        copyFileSync(at(name), to, constants.COPYFILE_FICLONE);
        return true;
      } catch (cause) {
        if (isAbsent(cause) && !existsSync(at(name))) return false;
        throw unwritten(to, cause) ?? readProblem(at(name), cause);
      }
    },
    remove: async (name) => rmSync(at(name), { force: true }),
  };
}

const isAbsent = (cause: unknown) => (cause as NodeJS.ErrnoException).code === 'ENOENT';

/** What has a name in the store is there after a power cut, too. */
function copyDurably(from: string, file: string): void {
  copyFileSync(from, file, constants.COPYFILE_FICLONE);
  const copy = openSync(file, 'r+');
  try {
    fsyncSync(copy);
  } finally {
    closeSync(copy);
  }
}

/** Unlike a move, a link never replaces: whoever comes second finds it done. Where a disk has no links, both wrote the same. */
function place(temporary: string, file: string): void {
  try {
    linkSync(temporary, file);
  } catch (cause) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((cause as NodeJS.ErrnoException).code ?? ''))
      throw cause;
    renameSync(temporary, file);
  }
}

/** Copies content to a place, and looks whether it is what its name says; what isn't leaves the store. @throws CONTENT_MISSING, CONTENT_DAMAGED */
export async function getContent(store: Store, sha256: string, file: string): Promise<void> {
  if (!(await store.get(contentName(sha256), file)))
    throw contentMissing(`The content ${sha256}`, store.name);
  const found = await sha256OfFile(file);
  if (found === sha256) return;
  rmSync(file, { force: true });
  await store.remove(contentName(sha256));
  throw contentDamaged(`${contentName(sha256)} in ${store.name}`, sha256, found);
}
