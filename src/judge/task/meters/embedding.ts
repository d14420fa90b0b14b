/** Whether vectors point where they did, and whether what was nearest to each sample still is. */

import { float32Values, numbers, type Tensor } from '../../../model/ir/tensor.ts';
import { wilsonInterval } from '../../../support/statistics.ts';
import { measured } from '../measure.ts';
import type { OpenMeter } from '../meter.ts';
import { outputsAs } from '../task.ts';

/** Vectors kept for the search of neighbours, which compares each with all. */
const mostVectors = 500;

/** Fewer samples have hardly a choice of neighbours. */
const fewest = 4;

export const embeddingMeter: OpenMeter = ({ task }) => {
  const [whole] = outputsAs(task, 'embedding');
  const [tokens] = outputsAs(task, 'tokens');
  const name = whole ?? tokens!;
  const kept: { before: Float64Array; after: Float64Array }[] = [];
  let [count, sum, worst] = [0, 0, 1];
  return {
    add(x, y, { inputs }) {
      const pooled = (t: Tensor) => unit(whole ? float32Values(t) : meanOf(t, inputs));
      const [before, after] = [pooled(x[name]!), pooled(y[name]!)];
      const cosine = dot(before, after);
      // A vector that is not finite points nowhere.
      const value = Number.isFinite(cosine) ? cosine : -1;
      count++;
      sum += value;
      worst = Math.min(worst, value);
      if (kept.length < mostVectors) kept.push({ before, after });
      return null;
    },
    result: () => {
      if (count === 0) return [];
      const same = kept.filter((_, i) => nearest(kept, i, 'before') === nearest(kept, i, 'after')).length;
      const isEnough = kept.length >= fewest;
      return [
        measured('cosine-mean', sum / count),
        measured('cosine-worst', worst),
        measured(
          'neighbours-kept',
          isEnough ? same / kept.length : null,
          isEnough ? wilsonInterval(same, kept.length) : null,
        ),
      ];
    },
  };
};

/** Mean of the vectors of tokens that the attention mask has: [1,T,D] → [D]. All, where there is no such mask. */
function meanOf(t: Tensor, inputs: Readonly<Record<string, Tensor>>): Float64Array {
  const [width, places] = [t.dims.at(-1)!, t.dims.at(-2)!];
  const values = float32Values(t);
  const mask = inputs['attention_mask'] && numbers(inputs['attention_mask']);
  const counts = mask?.length === places && mask.some((m) => m !== 0) ? mask : null;
  const sum = new Float64Array(width);
  for (let place = 0; place < places; place++) {
    if (counts && counts[place] === 0) continue;
    for (let i = 0; i < width; i++) sum[i]! += values[place * width + i]!;
  }
  return sum;
}

function unit(v: ArrayLike<number>): Float64Array {
  let squares = 0;
  for (let i = 0; i < v.length; i++) squares += v[i]! * v[i]!;
  const length = Math.sqrt(squares) || 1;
  return Float64Array.from(v, (x) => x / length);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

type Side = 'before' | 'after';

/** Place of the other sample that is most alike, the first of equals. */
function nearest(vectors: readonly Readonly<Record<Side, Float64Array>>[], to: number, side: Side): number {
  let [best, at] = [Number.NEGATIVE_INFINITY, -1];
  for (const [i, other] of vectors.entries()) {
    if (i === to) continue;
    const likeness = dot(vectors[to]![side], other[side]);
    if (likeness > best) [best, at] = [likeness, i];
  }
  return at;
}
