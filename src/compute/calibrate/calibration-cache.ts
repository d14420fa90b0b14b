/** Statistics kept on disk by content: the same model, data, samples and requests give the same ranges. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { onnxFormat } from '../../model/formats/onnx/format.ts';
import type { Model } from '../../model/ir/model.ts';
import type { Range, StatisticRequest, Statistics } from './statistics.ts';

const entry = z.object({
  samples: z.number(),
  /** Pairs: a record would lose a value called "__proto__". */
  ranges: z.array(z.tuple([z.string(), z.object({ min: z.number(), max: z.number() })])),
});

export interface CalibrationCache {
  get(key: string): Statistics | null;
  put(key: string, requests: readonly StatisticRequest[], statistics: Statistics): void;
}

export const defaultCacheFolder = () =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'edgepress', 'calibration');

/** Unreadable or damaged entries count as absent; a cache that can't be written costs time, never the result. */
export function openCalibrationCache(folder: string): CalibrationCache {
  const fileOf = (key: string) => join(folder, `${key}.json`);
  return {
    get(key) {
      try {
        const { samples, ranges } = entry.parse(JSON.parse(readFileSync(fileOf(key), 'utf8')));
        const known = new Map<string, Range>(ranges);
        return { samples, range: (value) => known.get(value) };
      } catch {
        return null;
      }
    },
    put(key, requests, statistics) {
      // Moments are megabytes a layer: they are collected each time.
      if (requests.some((r) => r.kind === 'moments')) return;
      const ranges = requests.map((r) => [r.value, statistics.range(r.value)]);
      try {
        mkdirSync(folder, { recursive: true });
        const temporary = `${fileOf(key)}.${process.pid}.tmp`;
        writeFileSync(temporary, JSON.stringify({ samples: statistics.samples, ranges }));
        renameSync(temporary, fileOf(key));
      } catch {
        return;
      }
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
  hash.update(JSON.stringify([requests, data, engine, 3]));
  return hash.digest('hex');
}
