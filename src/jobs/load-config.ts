/** Finds and loads edgepress.config.{json,js,mjs,ts}: in the folder that is worked in or one above it. */
import path from 'node:path';
import { defaultLoaders, type Loader, lilconfig } from 'lilconfig';
import type { CompressRequestInit } from '../compress/request.ts';
import { compressRequest } from '../compress/request.ts';
import { configInvalid } from '../support/diagnostics/files.ts';
import { Diagnostic, messageOf } from '../support/diagnostics.ts';
import { fieldsOf } from '../support/field.ts';
import { parseRequest } from '../support/parse-request.ts';
import { readProblem } from '../support/read-problem.ts';

export interface LoadedConfig {
  /** Relative to the working folder. */
  readonly file: string;
  readonly request: CompressRequestInit;
}

const endings = ['json', 'js', 'mjs', 'ts'];

const loadTypeScript: Loader = async (file) => {
  const { createJiti } = await import('jiti');
  return createJiti(import.meta.url).import(file, { default: true });
};

/** What a file can't be read for is said with its name. */
const naming =
  (load: Loader): Loader =>
  async (file, content) => {
    try {
      return await load(file, content);
    } catch (cause) {
      throw configInvalid(path.relative('.', file), messageOf(cause), cause);
    }
  };

const loaders = Object.fromEntries(
  Object.entries({ ...defaultLoaders, '.ts': loadTypeScript }).map(([ending, load]) => [
    ending,
    naming(load),
  ]),
);

/** @param named  a file; true: the one that is found, if any
 *  @throws FILE_NOT_FOUND for a named one that isn't there; CONFIG_INVALID */
export async function loadConfig(named: string | true): Promise<LoadedConfig | null> {
  const { search, load } = lilconfig('edgepress', {
    searchPlaces: endings.map((ending) => `edgepress.config.${ending}`),
    loaders,
    ignoreEmptySearchPlaces: false,
    cache: false,
  });
  let found: Awaited<ReturnType<typeof search>>;
  try {
    found = named === true ? await search() : await load(path.resolve(named));
  } catch (cause) {
    throw problemOf(named, cause);
  }
  if (!found) return null;
  const file = path.relative('.', found.filepath);
  if (found.isEmpty) throw configInvalid(file, 'The file is empty.');
  return { file, request: checked(file, found.config) };
}

function problemOf(named: string | true, cause: unknown): unknown {
  if (cause instanceof Diagnostic) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  if (named !== true && code === 'ENOENT') return readProblem(named, cause);
  const file = named === true ? 'edgepress.config' : named;
  return configInvalid(file, messageOf(cause), cause);
}

/** @throws CONFIG_INVALID naming the file */
function checked(file: string, config: unknown): CompressRequestInit {
  try {
    parseRequest(compressRequest, config);
  } catch (error) {
    throw error instanceof Diagnostic ? configInvalid(file, error.message, error, error.hint) : error;
  }
  return withOwnPaths(config as CompressRequestInit, path.dirname(file));
}

/** Paths in the file are relative to it. */
function withOwnPaths(config: CompressRequestInit, folder: string): CompressRequestInit {
  const isPath = new Set(fieldsOf(compressRequest).flatMap((f) => (f.meta.isPath ? [f.key] : [])));
  const moved = Object.entries(config).map(([key, value]) => {
    const isOwn = isPath.has(key) && typeof value === 'string' && value !== 'synthetic';
    // A folder is told by the end of its name, which join keeps.
    return [key, isOwn && !path.isAbsolute(value) ? path.join(folder, value) : value];
  });
  return Object.fromEntries(moved);
}
