/** Finds and reads label files. */
import { basename, extname } from 'node:path';
import { decodeNpy } from '../model/formats/npy.ts';
import { labelsInvalid } from '../support/diagnostics/data.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { type ClassLabels, classesFromFolders, type OwnClasses } from './classes.ts';
import { type DataFile, gunzipped, pathKind, readBytes } from './data-files.ts';
import { decodeIdxLabels } from './idx.ts';
import { type LabelTable, matchLabels, parseLabelArray, parseLabelCsv, parseLabelJson } from './labels.ts';
import { decodeText } from './text/decode-text.ts';

/** A file that is taken for labels when it lies at the top of a data folder. */
export const isLabelFile = (f: DataFile) =>
  /^(labels\.(csv|tsv|json|npy)|annotations\.json|_annotations\.coco\.json)$/i.test(f.name);

/** In place of a file: labels that would be found are left alone. */
export const noLabels = 'none';

export type LabelFinder = (ids: readonly string[]) => ClassLabels | null;

interface LabelPlaces {
  /** The file that the user named; anything wrong with it is an error. */
  readonly given: string | undefined;
  /** A file that lay there. When it doesn't fit it is left alone, and `notes` says why. */
  readonly found?: string | undefined;
  /** Fall back on class folders. */
  readonly folders?: boolean;
  readonly notes?: string[];
  /** Names of the model's classes by index, where it says them. */
  readonly own?: OwnClasses;
}

/** Reads the label file now and matches it when the samples are known; null where there is nowhere to look.
 *  @throws LABELS_INVALID, DATA_NOT_FOUND, DATA_UNREADABLE for a file that was named; the finder:
 *  LABELS_UNMATCHED */
export async function labelFinder(places: LabelPlaces): Promise<LabelFinder | null> {
  const { given, found, folders, notes, own } = places;
  if (given === noLabels) return null;
  if (given !== undefined) {
    const table = await readLabels(given);
    return (ids) => matchLabels(table, ids, basename(given), own);
  }
  const byFolder: LabelFinder = (ids) => (folders ? classesFromFolders(ids, own) : null);
  if (found === undefined) return folders ? byFolder : null;
  const where = basename(found);
  const unused = (error: unknown) => {
    if (!(error instanceof Diagnostic)) throw error;
    notes?.push(`${where} not used as labels: ${error.message}`);
    return null;
  };
  const table = await readLabels(found).catch(unused);
  return (ids) => {
    try {
      return table ? matchLabels(table, ids, where, own) : byFolder(ids);
    } catch (error) {
      return unused(error) ?? byFolder(ids);
    }
  };
}

/** @throws LABELS_INVALID, DATA_NOT_FOUND, DATA_UNREADABLE */
async function readLabels(path: string): Promise<LabelTable> {
  const where = basename(path);
  if ((await pathKind(path)) === 'folder')
    throw labelsInvalid(
      path,
      'a folder, not a file of labels; folders of masks or boxes are labels of pictures',
    );
  const bytes = await readBytes(path);
  const text = () => decodeText(bytes, where);
  const extension = extname(path).toLowerCase();
  if (extension === '.npy') return parseLabelArray(decodeNpy(bytes, where), where);
  if (extension === '.json') return parseLabelJson(text(), where);
  if (['.csv', '.tsv', '.txt'].includes(extension)) return parseLabelCsv(text(), where);
  if (/idx1-ubyte(\.gz)?$/.test(where))
    return decodeIdxLabels(gunzipped(bytes, where), where).map((value) => ({ file: null, value }));
  throw labelsInvalid(where, `ending ${extension || 'missing'}; .csv, .tsv, .txt, .json or .npy is needed`);
}
