/** Boxes of a YOLO whose maps are as its last convolutions leave them: where a box lies is counted from its cell and its anchor, which the
 *  file doesn't have. */
import { float32Values, type Tensor } from '../../../model/ir/tensor.ts';
import type { GridMap } from '../detection-head.ts';
import type { Outputs } from '../meter.ts';
import type { Box } from './box.ts';

/** Widths and heights in pixels, by number of maps, the finest first: those of YOLOv3 and YOLOv5 on COCO, and of YOLOv3-tiny.
 *  @see Redmon & Farhadi 2018, yolov3.cfg and yolov3-tiny.cfg */
const anchors: Readonly<Record<number, readonly (readonly (readonly [number, number])[])[]>> = {
  2: [
    [
      [10, 14],
      [23, 27],
      [37, 58],
    ],
    [
      [81, 82],
      [135, 169],
      [344, 319],
    ],
  ],
  3: [
    [
      [10, 13],
      [16, 30],
      [33, 23],
    ],
    [
      [30, 61],
      [62, 45],
      [59, 119],
    ],
    [
      [116, 90],
      [156, 198],
      [373, 326],
    ],
  ],
};

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** @param maps  the finest first, two or three @param first  of the original, for the first sample
 *  @returns boxes in pixels of the input that are at least so sure */
export function gridReader(
  { maps }: { readonly maps: readonly GridMap[] },
  first: Outputs,
): (outputs: Outputs, least: number) => Box[] {
  const isShare = maps.every(({ output }) => float32Values(first[output]!).every((v) => v >= 0 && v <= 1));
  return (outputs, least) =>
    maps.flatMap((map, i) =>
      boxesOf(map, outputs[map.output]!, { least, isShare, of: anchors[maps.length]![i]! }),
    );
}

interface Reading {
  readonly least: number;
  /** Whether numbers are shares already, and no logits. */
  readonly isShare: boolean;
  readonly of: readonly (readonly [number, number])[];
}

function boxesOf({ stride, form }: GridMap, t: Tensor, { least, isShare, of }: Reading): Box[] {
  const values = float32Values(t);
  const [height, width] = [t.dims[2]!, t.dims[3]!];
  const numbers = form === 'rows' ? t.dims[4]! : t.dims[1]! / of.length;
  const found: Box[] = [];
  for (const [a, [anchorWidth, anchorHeight]] of of.entries())
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const raw = (c: number) =>
          form === 'rows'
            ? values[((a * height + y) * width + x) * numbers + c]!
            : values[((a * numbers + c) * height + y) * width + x]!;
        const share = (c: number) => (isShare ? raw(c) : sigmoid(raw(c)));
        const any = share(4);
        if (any < least) continue;
        // The fifth version's cells reach half a cell further, and its sizes up to four anchors.
        const [cx, cy, w, h] =
          form === 'rows'
            ? [2 * share(0) - 0.5, 2 * share(1) - 0.5, (2 * share(2)) ** 2, (2 * share(3)) ** 2]
            : [share(0), share(1), Math.exp(raw(2)), Math.exp(raw(3))];
        const [centreX, centreY] = [(cx + x) * stride, (cy + y) * stride];
        const [halfWidth, halfHeight] = [(w * anchorWidth) / 2, (h * anchorHeight) / 2];
        for (let label = 0; label < numbers - 5; label++) {
          const score = any * share(5 + label);
          if (!(score >= least)) continue;
          found.push({
            ...{ left: centreX - halfWidth, right: centreX + halfWidth },
            ...{ top: centreY - halfHeight, bottom: centreY + halfHeight },
            ...{ score, label, place: null },
          });
        }
      }
  return found;
}
