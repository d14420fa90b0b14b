/** A model in a zip archive. */
import { archiveInvalid, modelNotFoundIn } from '../../support/diagnostics/model-files.ts';
import { formats } from './index.ts';
import { unzipWithin } from './zip.ts';

/** Whether it is a zip archive: PK and the mark of a file in it. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** Names of files that are opened as archives: MediaPipe's .task is one. */
export const archiveEnding = /\.(zip|task)$/i;

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
  const malformed = (reason: string) => archiveInvalid(archive, reason);
  const wanted = (path: string) => {
    if (leadsOut(path)) throw malformed(`"${path}" in it leads out of the archive`);
    return !path.startsWith('__MACOSX/');
  };
  return unzipWithin(bytes, wanted, malformed);
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
