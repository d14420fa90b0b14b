/** Average precision of boxes against others that are taken for right, as COCO's evaluation has it: 101 points of recall, mean
 *  over classes that have boxes.
 *  @see https://cocodataset.org/#detection-eval */
import { type Box, coverage, iou } from './box.ts';

/** Boxes of one sample. */
export interface Found {
  readonly truth: readonly Box[];
  /** Sorted or not. */
  readonly boxes: readonly Box[];
  /** Neither right nor wrong to find, as crowds: what lies in them counts for nothing. */
  readonly ignored?: readonly Box[];
}

/** 0.5, 0.55 … 0.95 */
export const cocoOverlaps = Array.from({ length: 10 }, (_, i) => 0.5 + 0.05 * i);

/** @returns null where no sample has a box that is right */
export function averagePrecision(samples: readonly Found[], overlap: number): number | null {
  const labels = new Set(samples.flatMap(({ truth }) => truth.map(({ label }) => label)));
  if (labels.size === 0) return null;
  let sum = 0;
  for (const label of labels) sum += ofClass(samples, label, overlap);
  return sum / labels.size;
}

function ofClass(samples: readonly Found[], label: number, overlap: number): number {
  const of = (boxes: readonly Box[]) => boxes.filter((b) => b.label === label);
  let right = 0;
  const judged: { score: number; isRight: boolean }[] = [];
  for (const { truth, boxes, ignored = [] } of samples) {
    const wanted = of(truth);
    right += wanted.length;
    const mine = [...of(boxes)].sort((a, b) => b.score - a.score);
    const matches = matched(mine, wanted, overlap);
    const crowds = of(ignored);
    for (const [i, box] of mine.entries()) {
      const isRight = matches[i] !== null;
      if (isRight || !crowds.some((crowd) => coverage(box, crowd) >= overlap))
        judged.push({ score: box.score, isRight });
    }
  }
  judged.sort((a, b) => b.score - a.score);
  return areaUnder(
    judged.map(({ isRight }) => isRight),
    right,
  );
}

/** Which of the others each box is, the best first to choose: the one that overlaps most and is free; null where none does enough. */
export function matched(boxes: readonly Box[], others: readonly Box[], overlap: number): (number | null)[] {
  const taken = new Set<number>();
  return boxes.map((box) => {
    let [best, at] = [Math.min(overlap, 1 - 1e-10), -1];
    for (const [i, other] of others.entries()) {
      if (taken.has(i) || box.place !== other.place || box.label !== other.label) continue;
      const shared = iou(box, other);
      if (shared >= best) [best, at] = [shared, i];
    }
    if (at < 0) return null;
    taken.add(at);
    return at;
  });
}

/** Mean, over recalls of 0, 0.01 … 1, of the best precision at that recall or a higher one. */
function areaUnder(isRight: readonly boolean[], wanted: number): number {
  const [recalls, precisions]: [number[], number[]] = [[], []];
  let hits = 0;
  for (const [i, right] of isRight.entries()) {
    if (right) hits++;
    recalls.push(hits / wanted);
    precisions.push(hits / (i + 1));
  }
  for (let i = precisions.length - 2; i >= 0; i--)
    precisions[i] = Math.max(precisions[i]!, precisions[i + 1]!);
  let sum = 0;
  for (let point = 0; point <= 100; point++) {
    const at = recalls.findIndex((recall) => recall >= point / 100 - 1e-12);
    if (at >= 0) sum += precisions[at]!;
  }
  return sum / 101;
}
