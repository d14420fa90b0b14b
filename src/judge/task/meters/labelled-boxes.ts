/** How good two detectors are by labels: average precision of each against boxes that people drew. */
import type { LabelledBox } from '../../../data/label.ts';
import { averagePrecision, cocoOverlaps, type Found } from '../boxes/average-precision.ts';
import type { Box } from '../boxes/box.ts';
import type { Metric } from '../measure.ts';

export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

interface Seen {
  readonly labels: readonly LabelledBox[];
  readonly size: PictureSize;
  readonly before: readonly Box[];
  readonly after: readonly Box[];
}

interface LabelledBoxes {
  add(labels: readonly LabelledBox[], size: PictureSize, found: Pick<Seen, 'before' | 'after'>): void;
  /** None without labels, and where nobody knows where in the picture boxes are. */
  result(): Metric[];
}

/** What a model may call the class of a label: in the order of labels, with a background before them, or as labels number them. The way
 *  by which the original is best is the one that it was trained with; others find next to nothing. */
const numberings: readonly { readonly how: string; readonly of: (box: LabelledBox) => number }[] = [
  { how: '', of: ({ label }) => label },
  { how: '', of: ({ label }) => label + 1 },
  { how: ', classes by their ids', of: ({ id }) => id },
  { how: ', classes by their ids less 1', of: ({ id }) => id - 1 },
];

/** @param isTurned  corners are y, x, y, x */
export function labelledBoxes(isTurned: boolean): LabelledBoxes {
  const seen: Seen[] = [];
  return {
    add(labels, size, found) {
      seen.push({ labels, size, ...found });
    },
    result() {
      const all = seen.flatMap(({ before, after }) => [...before, ...after]);
      if (seen.length === 0 || all.some(({ place }) => place !== null)) return [];
      const isShares = all.every(({ right, bottom }) => right < 2 && bottom < 2);
      const placed = (boxes: readonly Box[], { width, height }: PictureSize) =>
        boxes.map((box) => inPixels(box, isShares ? { width, height } : { width: 1, height: 1 }, isTurned));
      const sets = numberings.map(({ how, of }) => ({
        how,
        before: seen.map((s) => foundOf(s, placed(s.before, s.size), of)),
        after: seen.map((s) => foundOf(s, placed(s.after, s.size), of)),
      }));
      const scores = sets.map(({ before }) => averagePrecision(before, 0.5) ?? 0);
      const { how, before, after } = sets[scores.indexOf(Math.max(...scores))]!;
      const row = (name: string, of: (found: readonly Found[]) => number | null): Metric => ({
        ...{ name: `${name} against labels${how}`, unit: 'fraction', higherIsBetter: true, interval: null },
        ...{ before: of(before), after: of(after) },
      });
      return [
        row('mAP@0.5', (found) => averagePrecision(found, 0.5)),
        row('mAP@0.5:0.95', (found) =>
          meanOf(cocoOverlaps.map((overlap) => averagePrecision(found, overlap))),
        ),
      ];
    },
  };
}

const meanOf = (values: readonly (number | null)[]): number | null =>
  values.some((v) => v === null) ? null : values.reduce<number>((sum, v) => sum + v!, 0) / values.length;

function inPixels(box: Box, { width, height }: PictureSize, isTurned: boolean): Box {
  const { left, top, right, bottom } = isTurned
    ? { left: box.top, top: box.left, right: box.bottom, bottom: box.right }
    : box;
  return { ...box, left: left * width, right: right * width, top: top * height, bottom: bottom * height };
}

function foundOf({ labels }: Seen, boxes: readonly Box[], labelOf: (box: LabelledBox) => number): Found {
  const asBox = (box: LabelledBox): Box => ({ ...box, label: labelOf(box), score: 1, place: null });
  return {
    truth: labels.filter(({ isIgnored }) => !isIgnored).map(asBox),
    ignored: labels.filter(({ isIgnored }) => isIgnored).map(asBox),
    boxes,
  };
}
