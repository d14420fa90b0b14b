/** Boxes of COCO's JSON. */
import { basename } from 'node:path';
import { labelsUnmatched } from '../../support/diagnostics/data.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { type DataFile, readBounded } from '../data-files.ts';
import type { Annotations, Places } from './annotations.ts';
import { isCoco, parseCoco } from './coco.ts';
import { fileName } from './file-names.ts';
import { boxAnnotation } from './place-boxes.ts';

/** Bytes of one file of annotations, at most. */
const mostBytes = 512 * 2 ** 20;

/** null where the JSON is something else. */
export async function openCoco(
  pictures: readonly DataFile[],
  path: string,
  { own }: Places,
): Promise<Annotations | null> {
  const where = basename(path);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await readBounded(path, mostBytes)));
  } catch (cause) {
    if (cause instanceof Diagnostic) throw cause;
    return null;
  }
  if (!isCoco(json)) return null;
  const { pictures: listed, classes, numbering } = parseCoco(json, where, own);
  const byName = new Map([...listed].map(([name, boxes]) => [fileName(name), boxes]));
  const found = pictures.map(({ name }) => listed.get(name) ?? byName.get(fileName(name)));
  const lacking = pictures.filter((_, i) => !found[i]).map(({ name }) => name);
  if (lacking.length > 0) throw labelsUnmatched(where, pictures.length, lacking, []);
  return {
    ...{ kind: 'boxes', classes, how: `boxes from ${where}, ${numbering}` },
    entries: found.map((boxes, i) => boxAnnotation(boxes!, `${where}, ${pictures[i]!.name}`)),
  };
}
