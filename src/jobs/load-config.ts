/** Finds and loads edgepress.config.{json,js,mjs,ts}: in the folder that is worked in or one above it. */
import path from 'node:path';
import { defaultLoaders, type Loader, lilconfig } from 'lilconfig';
import type { z } from 'zod';
import { optionUnknown } from '../support/diagnostics/command-line.ts';
import { configInvalid } from '../support/diagnostics/files.ts';
import { Diagnostic, messageOf, nearest } from '../support/diagnostics.ts';
import { fieldsOf, partialRequest } from '../support/field.ts';
import { optionsObject, parseRequest } from '../support/parse-request.ts';
import { readProblem } from '../support/read-problem.ts';
import { isBucket, isUrl } from '../support/url.ts';
import { type Configured, requests } from './requests/index.ts';

interface LoadedConfig {
  /** Relative to the working folder. */
  readonly file: string;
  /** What it says about the command that was asked for; empty where that is nothing. */
  readonly request: Fields;
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

/** @param named  a file; true: the one that is found, if any @param command  whose part of it
 *  @throws FILE_NOT_FOUND for a named one that isn't there; CONFIG_INVALID */
export async function loadConfig(
  named: string | true,
  command: Configured = 'compress',
): Promise<LoadedConfig | null> {
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
  return { file, request: partOf(file, found.config, command) };
}

function problemOf(named: string | true, cause: unknown): unknown {
  if (cause instanceof Diagnostic) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  if (named !== true && code === 'ENOENT') return readProblem(named, cause);
  const file = named === true ? 'edgepress.config' : named;
  return configInvalid(file, messageOf(cause), cause);
}

type Fields = Readonly<Record<string, unknown>>;

/** What a file says about one command; the parts about others are checked all the same.
 *  @throws CONFIG_INVALID naming the file */
function partOf(file: string, config: unknown, command: Configured): Fields {
  try {
    const parts = partsOf(optionsObject(config));
    for (const [name, part] of Object.entries(parts))
      parseRequest(partialRequest(requests[name as Configured]), part);
    return withOwnPaths(requests[command], parts[command] ?? {}, path.dirname(file));
  } catch (error) {
    throw error instanceof Diagnostic ? configInvalid(file, error.message, error, error.hint) : error;
  }
}

/** By command: { bundle: { … } } is about bundle, what stands outside of such parts about compress.
 *  @throws UNKNOWN_OPTION for a part of a command that there isn't */
function partsOf(config: Fields): Partial<Record<Configured, Fields>> {
  const parts: Partial<Record<Configured, Fields>> = {};
  const outside: Record<string, unknown> = {};
  const known = Object.keys(requests);
  for (const [key, value] of Object.entries(config)) {
    const isPart = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isPart && known.includes(key)) parts[key as Configured] = value as Fields;
    else if (isPart && !(key in requests.compress.shape))
      throw optionUnknown(key, nearest(key, known), known);
    else outside[key] = value;
  }
  return { ...parts, compress: { ...outside, ...parts.compress } };
}

/** Paths in the file are relative to it. */
function withOwnPaths(request: z.ZodObject, part: Fields, folder: string): Fields {
  const paths = new Map(fieldsOf(request).flatMap((f) => (f.meta.isPath ? [[f.key, f.meta.word]] : [])));
  const moved = Object.entries(part).map(([key, value]) => {
    const isPath = typeof value === 'string' && value !== paths.get(key) && !isUrl(value) && !isBucket(value);
    const isOwn = paths.has(key) && isPath;
    // A folder is told by the end of its name, which join keeps.
    return [key, isOwn && !path.isAbsolute(value) ? path.join(folder, value) : value];
  });
  return Object.fromEntries(moved);
}
