/** Statistics of a model on the samples that calibrate: looked up where they are known, else observed and kept. */

import type { Recipe } from '../compress/pipeline/recipe.ts';
import { type CalibrationCache, calibrationKey } from '../compute/calibrate/calibration-cache.ts';
import { keptSamples } from '../compute/calibrate/kept-samples.ts';
import { observe } from '../compute/calibrate/observe.ts';
import type { Samples } from '../compute/calibrate/run-samples.ts';
import { mostShiftSamples } from '../compute/calibrate/shifts.ts';
import { isRange, type StatisticRequest, type Statistics } from '../compute/calibrate/statistics.ts';
import type { RunContext } from '../compute/engine/run-context.ts';
import type { Prepared } from '../data/prepare-data.ts';
import type { Model } from '../model/ir/model.ts';
import { counted } from '../support/units.ts';

export interface CalibratingSamples extends Samples {
  readonly source: Prepared['source'];
  /** Of the source. */
  readonly indices: readonly number[];
  /** Of them, how many ranges are searched on. */
  readonly mseSamples: number;
}

/** What calibrates. Ranges are searched, and ways to quantise judged, on some of the samples: these are decoded once. */
export function calibratingSamples(
  { source, calibration: indices }: Pick<Prepared, 'source' | 'calibration'>,
  { calibration: { mseSamples } }: Pick<Recipe, 'calibration'>,
): CalibratingSamples {
  const samples = { count: indices.length, read: (i: number) => source.read(indices[i]!) };
  return { ...keptSamples(samples, 2 * mseSamples), source, indices, mseSamples };
}

export interface Calibrated {
  readonly statistics: Statistics;
  readonly cached: boolean;
  /** What they are kept under; null: they are not. */
  readonly key: string | null;
}

/** @param options  `cache`: null or absent: nothing is looked up or kept
 *  @throws CALIBRATION_NOT_FINITE */
export async function calibrate(
  model: Model,
  requests: readonly StatisticRequest[],
  samples: CalibratingSamples,
  {
    engine,
    cache,
    signal,
    onProgress,
  }: RunContext & { readonly cache?: CalibrationCache | null | undefined },
): Promise<Calibrated> {
  const { source, indices, mseSamples } = samples;
  // Moments are megabytes a layer, shifts come with weights, peaks are few: they are collected each time.
  const kept = requests.every(isRange) ? cache : null;
  const data = { hash: kept ? await source.hash() : '', indices, mseSamples };
  const key = kept ? calibrationKey(model, requests, data, `${engine.name} ${engine.version}`) : null;
  const known = key === null ? null : kept?.get(key);
  if (known) return { statistics: known, cached: true, key };
  const statistics = await observe(engine, model, requests, samples, { mseSamples, onProgress, signal });
  if (key !== null) kept?.put(key, requests, statistics);
  return { statistics, cached: false, key };
}

/** "ranges of 53 activations on 100 samples · shifts of 53 layers on 32 samples"
 *  @param count  of the samples that calibrate */
export function describeCalibration(
  requests: readonly StatisticRequest[],
  count: number,
  cached: boolean,
): string {
  const valuesOf = (wanted: readonly StatisticRequest[]) => new Set(wanted.map(({ value }) => value)).size;
  const ranges = valuesOf(requests.filter(isRange));
  const moments = valuesOf(requests.filter(({ kind }) => kind === 'moments'));
  const peaks = valuesOf(requests.filter(({ kind }) => kind === 'peaks'));
  const shifts = valuesOf(requests.filter(({ kind }) => kind === 'shift'));
  const parts = [
    ...(ranges > 0
      ? [
          `${ranges === 1 ? 'range' : 'ranges'} of ${counted(ranges, 'activation')} on ${counted(count, 'sample')}`,
        ]
      : []),
    ...(peaks > 0 ? [`channels of ${counted(peaks, 'activation')} on ${counted(count, 'sample')}`] : []),
    ...(moments > 0 ? [`moments of ${counted(moments, 'input')} on ${counted(count, 'sample')}`] : []),
    ...(shifts > 0
      ? [`shifts of ${counted(shifts, 'layer')} on ${counted(Math.min(count, mostShiftSamples), 'sample')}`]
      : []),
    ...(cached ? ['cached'] : []),
  ];
  return parts.join(' · ');
}
