/** Boxes as COCO has them: images, annotations and categories in one JSON file; [x, y, width, height] in pixels.
 *  @see https://cocodataset.org/#format-data */
import { z } from 'zod';
import { labelsInvalid } from '../../support/diagnostics/data.ts';
import { numberNames, type OwnClasses } from '../classes.ts';
import type { GivenBox, GivenBoxes } from './place-boxes.ts';

const id = z.union([z.number(), z.string()]);
const size = z.number().positive().nullish();

const schema = z.looseObject({
  images: z.array(z.looseObject({ id, file_name: z.string(), width: size, height: size })),
  annotations: z.array(
    z.looseObject({
      image_id: id,
      category_id: z.int(),
      bbox: z.array(z.number()).nullish(),
      iscrowd: z.union([z.number(), z.boolean()]).nullish(),
    }),
  ),
  categories: z.array(z.looseObject({ id: z.int(), name: z.string().nullish() })).default([]),
});

export interface CocoBoxes {
  /** Of each picture that the file lists, by its name there. */
  readonly pictures: ReadonlyMap<string, GivenBoxes>;
  readonly classes: readonly string[] | null;
  /** How classes are numbered, in words. */
  readonly numbering: string;
}

/** Whether JSON is meant as COCO's annotations. */
export const isCoco = (json: unknown): boolean =>
  typeof json === 'object' &&
  json !== null &&
  Array.isArray((json as { images?: unknown }).images) &&
  'annotations' in json;

/** @param own  names of the model's classes by index, where it says them
 *  @throws LABELS_INVALID */
export function parseCoco(json: unknown, where: string, own?: OwnClasses): CocoBoxes {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw labelsInvalid(where, `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
  }
  const { images, annotations, categories } = parsed.data;
  const numbering = numbered(categories, annotations, own);
  const boxes = new Map<string | number, GivenBox[]>(images.map((image) => [image.id, []]));
  for (const { image_id, category_id, bbox, iscrowd } of annotations) {
    const list = boxes.get(image_id);
    if (!list)
      throw labelsInvalid(where, `an annotation is of image ${image_id}, which "images" does not list`);
    const label = numbering.labels.get(category_id);
    if (label === undefined)
      throw labelsInvalid(
        where,
        `an annotation is of category ${category_id}, which "categories" does not list`,
      );
    // Annotations of other kinds, as captions and points, have no box.
    if (!bbox) continue;
    const [x, y, width, height] = bbox;
    if (bbox.length !== 4 || !(width! >= 0) || !(height! >= 0))
      throw labelsInvalid(
        where,
        `bbox [${bbox.join(', ')}] of image ${image_id} is not [x, y, width, height]`,
      );
    list.push({
      ...{ x: x!, y: y!, width: width!, height: height! },
      label,
      id: category_id,
      isCrowd: Boolean(iscrowd),
    });
  }
  const pictures = new Map(
    images.map(({ id, file_name, width, height }) => [
      file_name,
      { boxes: boxes.get(id)!, size: width && height ? { width, height } : null },
    ]),
  );
  return { pictures, classes: numbering.classes, numbering: numbering.how };
}

interface Numbering {
  readonly labels: ReadonlyMap<number, number>;
  readonly classes: readonly string[] | null;
  readonly how: string;
}

function numbered(
  categories: readonly { readonly id: number; readonly name?: string | null | undefined }[],
  annotations: readonly { readonly category_id: number }[],
  own: OwnClasses,
): Numbering {
  const listed =
    categories.length > 0
      ? categories
      : [...new Set(annotations.map((a) => a.category_id))].map((id) => ({ id, name: null }));
  const sorted = [...listed].sort((a, b) => a.id - b.id);
  const names = sorted.map(({ name }) => name ?? null);
  const known =
    names.every((name) => name !== null) && own ? numberNames(names, 'its categories', own) : null;
  if (known && !known.inOrder)
    return {
      labels: new Map(sorted.map(({ id }, i) => [id, known.labels[i]!])),
      ...{ classes: known.classes, how: known.how },
    };
  return {
    labels: new Map(sorted.map(({ id }, i) => [id, i])),
    classes: names.every((name) => name !== null) ? (names as string[]) : null,
    how: `${sorted.length === 1 ? '1 class' : `${sorted.length} classes`} in the order of their category ids`,
  };
}
