/** Samples that calibration looks at more than once: after the first pass over all, ranges are searched and judged on some of them. */

import type { Sample } from '../../data/source.ts';
import { sizeBytes } from '../../model/ir/tensor.ts';
import { spread } from '../../support/spread.ts';
import type { Samples } from './run-samples.ts';

/** Of samples that are kept. */
const mostBytes = 2 ** 25;

/** The same samples; `count` of them, at equal distances, are decoded once and stay in memory, as far as there is room. */
export function keptSamples(samples: Samples, count: number): Samples {
  const all = Array.from({ length: samples.count }, (_, i) => i);
  const again = new Set(spread(all, count));
  const kept = new Map<number, Sample>();
  let bytes = 0;
  return {
    count: samples.count,
    async read(index) {
      const known = kept.get(index);
      if (known) return known;
      const sample = await samples.read(index);
      const size = Object.values(sample.inputs).reduce((sum, t) => sum + sizeBytes(t), 0);
      if (again.has(index) && !kept.has(index) && bytes + size <= mostBytes) {
        kept.set(index, sample);
        bytes += size;
      }
      return sample;
    },
  };
}
