/** Whether what the original finds is found again: average precision against its boxes, and how many have a partner. */
import { pictureInput } from '../../../data/picture-input.ts';
import { averagePrecision, cocoOverlaps, type Found, matched } from '../boxes/average-precision.ts';
import { suppressed } from '../boxes/box.ts';
import { boxReader, type ReadBoxes } from '../boxes/read-boxes.ts';
import { measured } from '../measure.ts';
import type { Difference, OpenMeter, Outputs } from '../meter.ts';
import { outputsAs } from '../task.ts';

/** The original's boxes count from so sure on: what pages usually draw. */
const shown = 0.3;

/** The result's are ranked down to here, as average precision wants it: a box a little less sure is not lost. */
const ranked = 0.05;

export const detectionMeter: OpenMeter = ({ task, inputs }) => {
  const names = outputsAs(task, 'detections');
  const picture = inputs.map(pictureInput).find((p) => p !== null) ?? null;
  let read: ReadBoxes | null | undefined;
  const samples: Found[] = [];
  let [kept, drawn] = [0, 0];
  return {
    add(x, y) {
      const [before, after] = [pick(x, names), pick(y, names)];
      if (read === undefined) read = boxReader(before, picture);
      if (!read) return null;
      const truth = suppressed(read(before, shown));
      const boxes = suppressed(read(after, ranked));
      samples.push({ truth, boxes });
      const sure = boxes.filter(({ score }) => score >= shown);
      const both = matched(sure, truth, 0.5).filter((at) => at !== null).length;
      kept += 2 * both;
      drawn += truth.length + sure.length;
      return difference(truth.length, sure.length, both);
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
  };
};

const pick = (outputs: Outputs, names: readonly string[]): Outputs =>
  Object.fromEntries(names.map((name) => [name, outputs[name]!]));

/** null where every box has its partner. */
function difference(before: number, after: number, both: number): Difference | null {
  if (both === before && both === after) return null;
  const boxes = (n: number) => `${n} ${n === 1 ? 'box' : 'boxes'}`;
  return { before: boxes(before), after: `${boxes(after)}, ${both} where they were` };
}
