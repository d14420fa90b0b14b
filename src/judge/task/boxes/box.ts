/** Boxes that a detector found, how far they overlap, and which of many that overlap stays. */

export interface Box {
  /** Corners, in whatever unit the model has. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly score: number;
  readonly label: number;
  /** Which of the model's places proposes it, where nobody knows where that place is: such boxes compare with others of their
   *  place only. null where corners are those of the picture. */
  readonly place: number | null;
}

type Corners = Pick<Box, 'left' | 'top' | 'right' | 'bottom'>;

const area = ({ left, top, right, bottom }: Corners) => Math.max(0, right - left) * Math.max(0, bottom - top);

const shared = (a: Corners, b: Corners) =>
  area({
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  });

/** Of a box, the share that lies in another. */
export const coverage = (box: Corners, other: Corners): number => {
  const own = area(box);
  return own > 0 ? shared(box, other) / own : 0;
};

/** What both cover by what either covers. */
export function iou(a: Corners, b: Corners): number {
  const both = shared(a, b);
  const either = area(a) + area(b) - both;
  return either > 0 ? both / either : 0;
}

/** Most boxes of a sample that are compared among each other. */
const mostCandidates = 1000;

/** Overlap from which two boxes of a class are one. */
const sameFrom = 0.45;

/** Of boxes of one class that overlap, the one with the highest score (greedy non-maximum suppression), the best first. */
export function suppressed(boxes: readonly Box[], most = 100): Box[] {
  const sorted = [...boxes].sort((a, b) => b.score - a.score).slice(0, mostCandidates);
  const kept: Box[] = [];
  for (const box of sorted) {
    if (kept.length >= most) break;
    const isKnown = (other: Box) => other.label === box.label && iou(other, box) > sameFrom;
    // Places whose boxes can't be laid over each other have nothing to suppress.
    if (box.place !== null || !kept.some(isKnown)) kept.push(box);
  }
  return kept;
}
