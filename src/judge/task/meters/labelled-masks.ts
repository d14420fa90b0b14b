/** How good two models of masks are by labels: intersection over union of each class with what people drew, over all samples. */
import { type Label, type MaskLabels, unlabelledPlace } from '../../../data/label.ts';
import type { Metric } from '../measure.ts';
import type { Labelled } from './mask.ts';

interface LabelledMasks {
  add(label: Label | undefined, before: Labelled, after: Labelled): void;
  /** None without labels. */
  result(): Metric[];
}

/** Places by what labels and model say of them. */
interface Counts {
  readonly both: Map<number, number>;
  readonly either: Map<number, number>;
  right: number;
  places: number;
}

export function labelledMasks(): LabelledMasks {
  const [before, after] = [emptyCounts(), emptyCounts()];
  let isOneClass = false;
  return {
    add(label, x, y) {
      if (typeof label !== 'object' || label.kind !== 'mask') return;
      isOneClass = x.isOneClass;
      count(before, label, x);
      count(after, label, y);
    },
    result: () => {
      if (before.places === 0) return [];
      const row = (name: string, of: (counts: Counts) => number | null): Metric => ({
        ...{ name: `${name} against labels`, unit: 'fraction', higherIsBetter: true, interval: null },
        ...{ before: of(before), after: of(after) },
      });
      return [
        row('mean IoU', (counts) => meanIou(counts, isOneClass)),
        row('right class of places', ({ right, places }) => right / places),
      ];
    },
  };
}

const emptyCounts = (): Counts => ({ both: new Map(), either: new Map(), right: 0, places: 0 });

/** On the model's own grid: the label of the middle of each of its places. */
function count(counts: Counts, label: MaskLabels, { labels, size, isOneClass }: Labelled): void {
  const [height, width] = size as [number, number];
  const more = (map: Map<number, number>, key: number) => map.set(key, (map.get(key) ?? 0) + 1);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * label.height) / height) * label.width;
    for (let x = 0; x < width; x++) {
      const drawn = label.classes[row + Math.floor(((x + 0.5) * label.width) / width)]!;
      if (drawn === unlabelledPlace) continue;
      const right = isOneClass ? Math.min(drawn, 1) : drawn;
      const said = labels[y * width + x]!;
      counts.places++;
      more(counts.either, right);
      if (said === right) {
        counts.right++;
        more(counts.both, right);
      } else more(counts.either, said);
    }
  }
}

/** Over classes that labels or model have; what is not there is no object where there is but one class. */
function meanIou({ both, either }: Counts, isOneClass: boolean): number | null {
  const ious = [...either]
    .filter(([label]) => !isOneClass || label !== 0)
    .map(([label, places]) => (both.get(label) ?? 0) / places);
  return ious.length > 0 ? ious.reduce((a, b) => a + b, 0) / ious.length : null;
}
