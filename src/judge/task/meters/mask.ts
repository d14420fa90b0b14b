/** How masks overlap: intersection over union of each class, over all samples together, and its mean. */
import { pictureInput } from '../../../data/picture-input.ts';
import { isFloat } from '../../../model/ir/dtype.ts';
import { float32Values, numbers, type Tensor } from '../../../model/ir/tensor.ts';
import { formatPercent } from '../../../support/units.ts';
import { drawMasks } from '../drawing/masks.ts';
import { measured } from '../measure.ts';
import type { Difference, OpenMeter } from '../meter.ts';
import { outputsAs } from '../task.ts';
import { labelledMasks } from './labelled-masks.ts';

/** With fewer places of a picture as they were, it is shown. */
const alike = 0.99;

/** A mask of one channel says how sure it is that something is there: yes from here on. */
const half = 0.5;

export const maskMeter: OpenMeter = ({ task, inputs }) => {
  const name = outputsAs(task, 'mask')[0]!;
  const isLast = inputs.some((port) => pictureInput(port)?.layout === 'NHWC');
  const overlaps = new Map<number, { both: number; either: number }>();
  let [places, same] = [0, 0];
  let isOneClass = false;
  const labelled = labelledMasks();
  const count = (label: number, inBoth: boolean) => {
    const overlap = overlaps.get(label) ?? { both: 0, either: 0 };
    overlap.either++;
    if (inBoth) overlap.both++;
    overlaps.set(label, overlap);
  };
  return {
    add(x, y, sample) {
      const [a, b] = [classesIn(x[name]!, isLast), classesIn(y[name]!, isLast)];
      isOneClass = a.isOneClass;
      labelled.add(sample.label, a, b);
      const sameBefore = same;
      for (let i = 0; i < a.labels.length; i++) {
        const [p, q] = [a.labels[i]!, b.labels[i]!];
        places++;
        count(p, p === q);
        if (p === q) same++;
        else count(q, false);
      }
      return differenceOf(a, b, (same - sameBefore) / a.labels.length);
    },
    result: () => {
      if (places === 0) return [];
      // What is not there is no object: a mask of one class is judged by what it shows.
      const shown = [...overlaps].filter(([label]) => !isOneClass || label !== 0);
      const ious = shown.map(([, { both, either }]) => both / either);
      const mean = ious.length > 0 ? ious.reduce((a, b) => a + b, 0) / ious.length : null;
      return [measured('mean-iou', mean), measured('same-places', same / places)];
    },
    quality: () => labelled.result(),
  };
};

/** null where nearly all is as it was. */
function differenceOf(a: Labelled, b: Labelled, kept: number): Difference | null {
  if (kept >= alike) return null;
  const shown = (labels: ArrayLike<number>) =>
    Array.from(labels).filter((label) => label !== 0).length / Math.max(1, labels.length);
  const words = (labels: ArrayLike<number>) => `${formatPercent(shown(labels))} of the picture`;
  const [height, width] = a.size;
  return {
    before: words(a.labels),
    after: `${words(b.labels)}, ${formatPercent(kept)} of places as they were`,
    ...(height &&
      width &&
      height * width === a.labels.length && {
        drawing: drawMasks({ height, width, before: a.labels, after: b.labels }),
      }),
  };
}

/** What a model says of each place. */
export interface Labelled {
  /** Height and width. */
  readonly size: readonly number[];
  readonly labels: ArrayLike<number>;
  readonly isOneClass: boolean;
}

/** The class of each place: the largest score, or what stands there already. */
function classesIn(t: Tensor, isLast: boolean): Labelled {
  if (!isFloat(t.dtype)) return { labels: numbers(t), isOneClass: false, size: t.dims.slice(-2) };
  const values = float32Values(t);
  const size = isLast && t.dims.length > 2 ? t.dims.slice(-3, -1) : t.dims.slice(-2);
  const classes = t.dims.length < 3 ? 1 : isLast ? t.dims.at(-1)! : t.dims.at(-3)!;
  if (classes === 1)
    return { labels: Uint8Array.from(values, (v) => (v > half ? 1 : 0)), isOneClass: true, size };
  const places = values.length / classes;
  const labels = new Uint32Array(places);
  for (let i = 0; i < places; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      const value = values[isLast ? i * classes + c : c * places + i]!;
      if (value > best) [best, labels[i]] = [value, c];
    }
  }
  return { labels, isOneClass: false, size };
}
