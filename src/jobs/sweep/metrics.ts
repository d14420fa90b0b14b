/** Of a report on one result what a sweep's rows are compared by. */
import { mainMeasure, measuresOf, worstSqnr } from '../../judge/report/measure-words.ts';
import { pointsLostOf } from '../../judge/report/metrics.ts';
import type { Report } from '../../judge/report/report.ts';
import type { SweepMetrics } from '../../judge/report/sweep-report.ts';
import { mainMetric } from '../../judge/report/verdict.ts';
import { pointsLost } from '../../judge/task/measure.ts';

export function sweepMetrics(report: Report): SweepMetrics {
  const { source, result, verdict, compare } = report;
  return {
    sizeBytes: result.sizeBytes,
    brotliBytes: result.brotliBytes,
    originalBytes: source.sizeBytes,
    ...qualityOf(report),
    agreement: measuresOf(report).find(({ id }) => id === 'same-top-1')?.value ?? null,
    sqnrDb: worstSqnr(report),
    on: comparedOn(report),
    samples: compare?.samples ?? null,
    verdict: { level: verdict.level, headline: verdict.headline },
  };
}

/** By labels where there are some, else against the original. */
function qualityOf(report: Report): Pick<SweepMetrics, 'quality' | 'pointsLost'> {
  const metric = mainMetric(report);
  if (metric !== null && metric.after !== null) {
    const { name, after, before, unit, higherIsBetter, interval } = metric;
    const quality = { name, value: after, original: before, unit, higherIsBetter, interval };
    return { quality, pointsLost: pointsLostOf(metric) };
  }
  const measure = mainMeasure(report);
  if (measure === null || measure.value === null) return { quality: null, pointsLost: null };
  const { name, value, unit, higherIsBetter, interval } = measure;
  const quality = { name, value, original: null, unit, higherIsBetter, interval };
  return { quality, pointsLost: pointsLost(measure) };
}

function comparedOn({ compare, probe, data }: Report): SweepMetrics['on'] {
  if (compare === null) return null;
  if (probe) return probe.kind;
  return data?.synthetic ? 'made-up' : 'held-back';
}
