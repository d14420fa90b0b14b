/** Whether what the original finds is found again: average precision against its boxes, and how many have a partner. */

import type { BoxLabels } from '../../../data/label.ts';
import { pictureInput } from '../../../data/picture-input.ts';
import type { Sample } from '../../../data/source.ts';
import type { Port } from '../../../model/ir/port.ts';
import { averagePrecision, cocoOverlaps, type Found, matched } from '../boxes/average-precision.ts';
import { type Box, suppressed } from '../boxes/box.ts';
import { boxReader, type ReadBoxes } from '../boxes/read-boxes.ts';
import { type BoxUnits, drawBoxes } from '../drawing/boxes.ts';
import { measured } from '../measure.ts';
import type { Difference, OpenMeter, Outputs } from '../meter.ts';
import { outputsAs } from '../task.ts';
import { labelledBoxes, type PictureSize } from './labelled-boxes.ts';

/** The original's boxes count from so sure on: what pages usually draw. */
const shown = 0.3;

/** The result's are ranked down to here, as average precision wants it: a box a little less sure is not lost. */
const ranked = 0.05;

/** Against labels, as average precision wants them: nearly all. */
const least = 0.01;

export const detectionMeter: OpenMeter = ({ task, inputs }) => {
  const names = outputsAs(task, 'detections');
  const picture = inputs.map(pictureInput).find((p) => p !== null) ?? null;
  let read: ReadBoxes | null | undefined;
  const samples: Found[] = [];
  const labelled = labelledBoxes(names.length === 4);
  let [kept, drawn] = [0, 0];
  return {
    add(x, y, sample) {
      const [before, after] = [pick(x, names), pick(y, names)];
      if (read === undefined) read = boxReader(before, picture);
      if (!read) return null;
      const truth = suppressed(read(before, shown));
      const boxes = suppressed(read(after, ranked));
      samples.push({ truth, boxes });
      const { label } = sample;
      const size = typeof label === 'object' && label.kind === 'boxes' ? sizeOf(sample, inputs) : null;
      if (size)
        labelled.add((label as BoxLabels).boxes, size, {
          before: suppressed(read(before, least)),
          after: suppressed(read(after, least)),
        });
      const sure = boxes.filter(({ score }) => score >= shown);
      const partners = matched(sure, truth, 0.5);
      const both = partners.filter((at) => at !== null).length;
      kept += 2 * both;
      drawn += truth.length + sure.length;
      const found = difference(truth.length, sure.length, both);
      const drawing =
        found &&
        drawBoxes(
          { boxes: truth, isShared: (i) => partners.includes(i) },
          { boxes: sure, isShared: (i) => partners[i] !== null },
          unitsOf([...truth, ...sure], sizeOf(sample, inputs), names),
        );
      return found && { ...found, ...(drawing && { drawing }) };
    },
    result: () => {
      const fine = cocoOverlaps.map((overlap) => averagePrecision(samples, overlap));
      const isAny = fine[0] !== null && fine.length > 0;
      const mean = isAny ? fine.reduce<number>((a, b) => a + b!, 0) / fine.length : null;
      return [
        measured('map-50', fine[0] ?? null),
        measured('map-coco', mean),
        measured('boxes-matched', drawn > 0 ? kept / drawn : null),
      ];
    },
    quality: () => labelled.result(),
  };
};

const pick = (outputs: Outputs, names: readonly string[]): Outputs =>
  Object.fromEntries(names.map((name) => [name, outputs[name]!]));

/** Of the picture that goes in. */
function sizeOf({ inputs: given }: Pick<Sample, 'inputs'>, inputs: readonly Port[]): PictureSize | null {
  for (const port of inputs) {
    const [layout, dims] = [pictureInput(port)?.layout, given[port.name]?.dims];
    if (!layout || dims?.length !== 4) continue;
    const [height, width] = layout === 'NCHW' ? dims.slice(2) : dims.slice(1, 3);
    return { height: height!, width: width! };
  }
  return null;
}

/** Corners are shares of the picture, a little beyond it at most, or its pixels. Detectors that choose their boxes and tell how many
 *  these are, TensorFlow's, have y first. */
function unitsOf(boxes: readonly Box[], size: PictureSize | null, names: readonly string[]): BoxUnits {
  const isShares = boxes.every(({ right, bottom }) => right < 2 && bottom < 2);
  return { ...(isShares || !size ? { width: 1, height: 1 } : size), isTurned: names.length === 4 };
}

/** null where every box has its partner. */
function difference(before: number, after: number, both: number): Difference | null {
  if (both === before && both === after) return null;
  const boxes = (n: number) => `${n} ${n === 1 ? 'box' : 'boxes'}`;
  return { before: boxes(before), after: `${boxes(after)}, ${both} where they were` };
}
