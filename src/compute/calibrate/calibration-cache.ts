/** Statistics kept on disk by content: the same model, data, samples and requests give the same ranges. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { onnxFormat } from '../../model/formats/onnx/format.ts';
import type { Model } from '../../model/ir/model.ts';
import { cacheFolder, openJsonStore } from '../../support/json-store.ts';
import { rangeIn } from './observe.ts';
import { isRange, type Ranges, type StatisticRequest, type Statistics } from './statistics.ts';

const range = z.object({ min: z.number(), max: z.number() });

const entry = z.object({
  samples: z.number(),
  /** Pairs: a record would lose a value called "__proto__". */
  ranges: z.array(
    z.tuple([
      z.string(),
      z.object({ minmax: range, average: range, mse: range.optional(), absolute: range.optional() }),
    ]),
  ),
});

export interface CalibrationCache {
  get(key: string): Statistics | null;
  put(key: string, requests: readonly StatisticRequest[], statistics: Statistics): void;
}

export const defaultCacheFolder = () => cacheFolder('calibration');

/** Unreadable or damaged entries count as absent; a cache that can't be written costs time, never the result. */
export function openCalibrationCache(folder: string): CalibrationCache {
  const store = openJsonStore(folder, entry);
  return {
    get(key) {
      const kept = store.get(key);
      if (!kept) return null;
      return { samples: kept.samples, range: rangeIn(new Map<string, Ranges>(kept.ranges)) };
    },
    put(key, requests, { samples, range }) {
      if (!requests.every(isRange)) return;
      store.put(key, {
        samples,
        ranges: requests.flatMap(({ value }): [string, Ranges][] => {
          const [minmax, average] = [range(value, 'minmax'), range(value, 'average')];
          const searched = { mse: range(value, 'mse'), absolute: range(value, 'absolute') };
          return minmax && average ? [[value, { minmax, average, ...searched }]] : [];
        }),
      });
    },
  };
}

export function calibrationKey(
  model: Model,
  requests: readonly StatisticRequest[],
  data: { hash: string; indices: readonly number[]; mseSamples: number },
  engine: string,
): string {
  const hash = createHash('sha256');
  // In pieces: a large model is never one.
  for (const { pieces } of onnxFormat.write!(model, { name: 'model.onnx' }))
    for (const piece of pieces()) hash.update(piece);
  hash.update(JSON.stringify([requests, data, engine, 4]));
  return hash.digest('hex');
}
