/** Small findings kept on disk by key: what was measured or calibrated once isn't again. */
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { replaceFile } from './replace-file.ts';

export interface JsonStore<T> {
  /** null where there is none, and where it can't be read or is damaged. */
  get(key: string): T | null;
  /** One that can't be written costs time, never the result. */
  put(key: string, value: T): void;
}

/** @param kind  what is kept, a folder's name */
export const cacheFolder = (kind: string): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'edgepress', kind);

export function openJsonStore<T>(folder: string, schema: z.ZodType<T>): JsonStore<T> {
  const fileOf = (key: string) => join(folder, `${key}.json`);
  return {
    get(key) {
      try {
        return schema.parse(JSON.parse(readFileSync(fileOf(key), 'utf8')));
      } catch {
        return null;
      }
    },
    put(key, value) {
      try {
        mkdirSync(folder, { recursive: true });
        replaceFile(fileOf(key), JSON.stringify(value));
      } catch {
        return;
      }
    },
  };
}
