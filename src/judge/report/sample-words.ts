/** What samples, and what was done to them, are called. */
import { probeNouns } from './probe.ts';
import type { Report } from './report.ts';

/** What the samples that were compared on are called: "images", "samples", "made-up inputs". */
export function noun(report: Pick<Report, 'data' | 'probe'>): string {
  if (report.probe) return probeNouns[report.probe.kind];
  if (report.data?.synthetic) return 'synthetic samples';
  return report.data?.kind === 'images' ? 'images' : 'samples';
}

/** "1 image", "200 images". */
export function countedSamples(samples: number, report: Pick<Report, 'data' | 'probe'>): string {
  const many = noun(report);
  return `${samples} ${samples === 1 ? many.replace(/\b(image|sample|input|piece)s\b/, '$1') : many}`;
}

/** "imagenet" in quotes, or an empty string where the spec has no name. */
export function preprocessingName(data: NonNullable<Report['data']>): string {
  const name = data.preprocessing?.['name'];
  return typeof name === 'string' ? `"${name}"` : '';
}
