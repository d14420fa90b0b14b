/** A model in a zip archive. */
import { type UnzipFileInfo, unzipSync } from 'fflate';
import { archiveInvalid, modelNotFoundIn } from '../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { formats } from './index.ts';

/** Whether it is a zip archive: PK and the mark of a file in it. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** Names of files that are opened as archives: MediaPipe's .task is one. */
export const archiveEnding = /\.(zip|task)$/i;

/** Deflate makes at most 1032 bytes of one. */
const largestRatio = 1032;
/** More than this isn't unpacked into memory: of any archive, and for each byte of it. Weights shrink little, those that are
 *  mostly zeros ten or twenty times. */
const smallestLimit = 2 ** 26;
const likelyRatio = 64;
const largestBytes = 2 ** 31;

export interface Unpacked {
  /** Path of the model in the archive. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The files beside it, by the names that the model has for them. */
  readonly data: ReadonlyMap<string, Uint8Array>;
}

/** The model of an archive, and what lies in its folder there.
 *  @throws ARCHIVE_INVALID, MODEL_NOT_FOUND_IN */
export function unpackModel(bytes: Uint8Array, archive: string): Unpacked {
  const entries = unzip(bytes, archive);
  const name = modelAmong(Object.keys(entries), archive);
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const beside = Object.entries(entries).filter(([path]) => path.startsWith(folder) && path !== name);
  const data = new Map(beside.map(([path, content]) => [path.slice(folder.length), content]));
  return { name, bytes: entries[name]!, data };
}

/** Names that would be files elsewhere, were it unpacked. */
const leadsOut = (name: string) => /^([/\\]|[a-z]:)|(^|[/\\])\.\.([/\\]|$)/i.test(name);

function unzip(bytes: Uint8Array, archive: string): Record<string, Uint8Array> {
  let total = 0;
  const filter = (entry: UnzipFileInfo) => {
    if (leadsOut(entry.name)) throw archiveInvalid(archive, `"${entry.name}" in it leads out of the archive`);
    total += entry.originalSize;
    // The size is allocated before unpacking.
    if (
      entry.size > bytes.length ||
      entry.originalSize > largestRatio * entry.size + 64 ||
      total > Math.min(largestBytes, smallestLimit + likelyRatio * bytes.length)
    )
      throw archiveInvalid(archive, `with "${entry.name}" it claims to hold ${total} bytes`);
    return !entry.name.endsWith('/') && !entry.name.startsWith('__MACOSX/');
  };
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof Diagnostic) throw error;
    throw archiveInvalid(archive, error instanceof Error ? error.message : String(error));
  }
}

/** What models are called where only their folder is named; the first that is there. */
export const usualNames = ['model.json', 'model.onnx'] as const;

/** "net.zip" that holds "some/model.json" → "net.json".
 *  @param archive  without its folders */
export function namedInArchive(archive: string, model: string): string {
  const extensions = formats.flatMap((format) => format.extensions);
  const extension = extensions.find((e) => model.toLowerCase().endsWith(e)) ?? '';
  return `${archive.replace(archiveEnding, '')}${extension}`;
}

/** "model.json", or the only file that is named like a model. @throws MODEL_NOT_FOUND_IN */
function modelAmong(paths: readonly string[], where: string): string {
  const usual = paths.filter((path) => usualNames.some((name) => `/${path}`.endsWith(`/${name}`)));
  if (usual.length === 1) return usual[0]!;
  const extensions = formats.flatMap((format) => format.extensions).filter((e) => e !== '.json');
  const named = paths.filter((path) => extensions.some((e) => path.toLowerCase().endsWith(e)));
  const candidates = usual.length > 0 ? usual : named;
  if (candidates.length === 1) return candidates[0]!;
  throw modelNotFoundIn(where, candidates);
}
