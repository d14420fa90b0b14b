/** Boxes of a picture as boxes of what the model sees of it. */
import { labelsInvalid } from '../../support/diagnostics/data.ts';
import type { LabelledBox } from '../label.ts';
import type { Annotation, Placement } from './annotations.ts';

/** A box before it is placed: corner and size, in pixels of the picture, or in shares of it. */
export interface GivenBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly label: number;
  readonly id: number;
  readonly isCrowd: boolean;
}

export interface GivenBoxes {
  readonly boxes: readonly GivenBox[];
  /** Of the picture that boxes were drawn on, in the unit of the boxes; null where it was not said. */
  readonly size: { readonly width: number; readonly height: number } | null;
}

/** Of a box that the crop cuts, less than this share is too little to be found. */
const leastVisible = 0.25;

/** Sides that are the same but for rounding. */
const isNear = (a: number, b: number) => Math.abs(a - b) <= 0.02 * Math.max(a, b);

export const boxAnnotation = (given: GivenBoxes, where: string): Annotation => ({
  digest: async () => JSON.stringify(given),
  read: async (placement) => ({ kind: 'boxes', boxes: placeBoxes(given, placement, where) }),
});

/** @returns boxes in pixels of the model's input, cut at its edges; those that lie outside are left out
 *  @throws LABELS_INVALID for boxes that were drawn on a picture of another shape */
export function placeBoxes({ boxes, size }: GivenBoxes, placement: Placement, where: string): LabelledBox[] {
  const { width, height, geometry } = placement;
  const drawn = size ?? { width, height };
  // Datasets are often made smaller after they were annotated; a shape that differs is another picture, or one turned by its EXIF.
  if (!isNear(drawn.width / drawn.height, width / height) && !(drawn.width === 1 && drawn.height === 1))
    throw labelsInvalid(
      where,
      `boxes were drawn on ${drawn.width}×${drawn.height} pixels, and the picture has ${width}×${height}`,
    );
  const { resizeTo, box } = geometry;
  const [across, down] = [
    (resizeTo?.width ?? width) / drawn.width,
    (resizeTo?.height ?? height) / drawn.height,
  ];
  return boxes.flatMap((given) => {
    const whole = {
      left: given.x * across - box.left,
      top: given.y * down - box.top,
      right: (given.x + given.width) * across - box.left,
      bottom: (given.y + given.height) * down - box.top,
    };
    const seen = {
      left: Math.max(0, whole.left),
      top: Math.max(0, whole.top),
      right: Math.min(box.width, whole.right),
      bottom: Math.min(box.height, whole.bottom),
    };
    if (seen.right <= seen.left || seen.bottom <= seen.top) return [];
    const share = area(seen) / area(whole);
    const { label, id, isCrowd } = given;
    return [{ ...seen, label, id, isIgnored: isCrowd || share < leastVisible }];
  });
}

const area = ({ left, top, right, bottom }: Record<'left' | 'top' | 'right' | 'bottom', number>) =>
  (right - left) * (bottom - top);
