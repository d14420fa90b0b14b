/** What every view of a bundle's report says first: the headline, the bad news, and each figure as text. */
import { formatBytes, formatMs, formatPercent } from '../../support/units.ts';
import {
  type BundleReport,
  fastestOf,
  type JudgedBundle,
  leadDevice,
  type MeasuredDevice,
  onSoftware,
  type PlacedRun,
  placeOf,
  type Quality,
  qualityOf,
  type ReportedVariant,
} from './bundle-report.ts';
import { formatMeasure } from './measure-words.ts';
import { speedNote, timesSmaller } from './summary.ts';

export const none = '–';
export const orNone = (value: number | null | undefined, format: (value: number) => string) =>
  value == null ? none : format(value);

export const formatQuality = (quality: Pick<Quality, 'value' | 'unit'>) => formatMeasure(quality);

/** "same top-1 98.3 % on 100 samples", "accuracy 79.0 % (original 79.0 %) on 100 samples". */
export function describeQuality(quality: Quality): string {
  const { metric, original, samples, unit } = quality;
  const was = original === null ? '' : ` (original ${formatQuality({ value: original, unit })})`;
  return `${metric} ${formatQuality(quality)}${was} on ${samples} samples`;
}

/** What stands for the task against the original, for a table's cell: "98.3 %". */
export function agreementText(parity: ReportedVariant['parity'][number] | null | undefined): string {
  if (parity?.measure) return formatMeasure(parity.measure);
  return orNone(parity?.top1Agreement, formatPercent);
}

/** Bytes that a page downloads for a variant; raw where nobody compressed it. */
export const wireBytes = ({ brotliBytes, bytes }: ReportedVariant) => brotliBytes ?? bytes;

/** Variants for pages first: a bundle for pages may hold files for phones too. */
export function smallest({ variants }: JudgedBundle): ReportedVariant | null {
  const paged = variants.filter((v) => v.runtime !== null);
  const among = paged.length > 0 ? paged : variants;
  return [...among].sort((a, b) => wireBytes(a) - wireBytes(b))[0] ?? null;
}

export const floatOf = ({ variants }: JudgedBundle): ReportedVariant | null =>
  variants.find((v) => v.precision === 'float32') ?? null;

/** What a bundle's report amounts to. */
export function judgeBundle(report: JudgedBundle): BundleReport['verdict'] {
  const warnings = newsOf(report);
  return { level: warnings[0]?.level ?? 'good', headline: headlineOf(report), warnings };
}

export function headlineOf(report: JudgedBundle): string {
  const best = smallest(report);
  if (!best) return `${report.name}: nothing to run`;
  const float = floatOf(report);
  const count = `${report.variants.length} ${report.variants.length === 1 ? 'variant' : 'variants'}`;
  const smaller =
    float && float !== best ? ` (${timesSmaller(wireBytes(float), wireBytes(best))} than float)` : '';
  const size = `${report.name}: ${count}, the smallest is ${formatBytes(wireBytes(best))} to download${smaller}`;
  const device = leadDevice(report.devices);
  if (!device) return size;
  // "Chromium 156, a laptop": of the version no more than people know.
  const host = device.host.replace(/(\d+)\.[\d.]+$/, '$1');
  const where = `${host}, ${device.device}${device.emulated ? ', emulated' : ''}`;
  const time = (run: PlacedRun) => `${formatMs(run.measured!.medianMs!)} a run on ${placeOf(run)}`;
  const fastest = fastestOf(device);
  const own = device.runs.find(
    (run) => run.variant === best.name && run.measured?.medianMs != null && !onSoftware(run),
  );
  const timed = own ? `${size} and takes ${time(own)}` : size;
  const bytesOf = (run: PlacedRun) => {
    const variant = report.variants.find((v) => v.name === run.variant);
    return variant ? wireBytes(variant) : Number.POSITIVE_INFINITY;
  };
  // Of several that none is clearly faster than, the one that downloads least.
  const other = fastest.some((run) => run.variant === best.name)
    ? undefined
    : fastest.toSorted((a, b) => bytesOf(a) - bytesOf(b))[0];
  const rank = fastest.length > 1 ? 'among the fastest' : 'the fastest';
  if (other && Number.isFinite(bytesOf(other)))
    return `${timed}; ${other.variant}, ${formatBytes(bytesOf(other))}, is ${rank}: ${time(other)} (${where})`;
  return own ? `${timed} (${where})` : timed;
}

/** How a run compares with those of the float variant, or the first, that took turns with it: "1.24 times faster"; nothing where
 *  none did. */
export const againstText = ({ measured }: PlacedRun): string =>
  measured?.against ? speedNote(measured.against) : '';

/** What that is compared with on a device; null where nothing took turns. */
export const baseOf = ({ runs }: MeasuredDevice): string | null =>
  runs.find((run) => run.measured?.against)?.measured?.against?.variant ?? null;

type News = BundleReport['verdict']['warnings'][number];

/** More points of accuracy lost than this are bad news, where it is more than one sample. */
const metricDrop = 0.01;

/** Bad news first. */
export function newsOf(report: JudgedBundle): News[] {
  const news: News[] = [];
  for (const { name, accuracy } of report.variants) {
    if (!accuracy || accuracy.original === null) continue;
    const { metric, value, original, samples } = accuracy;
    if (original - value <= Math.max(metricDrop, 1 / samples) + 1e-9) continue;
    news.push({
      level: 'bad',
      text: `${name} has ${metric} ${formatPercent(value)} where the original has ${formatPercent(original)} (${samples} samples).`,
    });
  }
  for (const [reason, names] of reasonsOf(report))
    news.push({
      level: 'bad',
      text: `Not in the bundle: ${names.join(' and ')}, ${reason.replace(/\.$/, '')}.`,
    });
  if (report.data?.synthetic)
    news.push({ level: 'warn', text: 'Compared on made-up inputs: what it does to real ones is not known.' });
  news.push(...report.notes.map((text) => ({ level: 'warn' as const, text })));
  if (!report.devices.some((d) => fastestOf(d).length > 0))
    news.push({
      level: 'warn',
      text: 'Speed was not measured yet: compress profile, or compress lab for phones.',
    });
  else if (report.devices.every((d) => d.emulated))
    news.push({ level: 'warn', text: 'Measured on emulated devices only: no real one.' });
  return news;
}

/** Variants of one runtime are left out for one reason, which is said once. */
function reasonsOf({ refused }: JudgedBundle): [string, readonly string[]][] {
  const names = new Map<string, string[]>();
  for (const { name, reason } of refused) names.set(reason, [...(names.get(reason) ?? []), name]);
  return [...names];
}

/** "Chromium 156.0 · AMD EPYC, 2 cores, Linux x64". */
export const deviceTitle = ({ device, host }: Pick<MeasuredDevice, 'device' | 'host'>) =>
  `${device} · ${host}`;

/** What is the same for all runs on a device: runtimes and GPUs, each once; when it was measured last. */
export function deviceFacts({ runs, emulated }: MeasuredDevice): string[] {
  const unique = (values: readonly (string | null)[]) => [...new Set(values.filter((v) => v !== null))];
  const dates = runs.flatMap((run) => run.measured?.measuredAt.slice(0, 10) ?? []).sort();
  return [
    ...(emulated ? [] : ['real device']),
    ...unique(runs.map((run) => run.runtime)),
    ...unique(runs.map((run) => run.adapter)),
    ...(runs.some(onSoftware) ? ['webgpu (CPU): no GPU, not ranked'] : []),
    ...(dates.length > 0 ? [`measured ${dates.at(-1)}`] : []),
  ];
}

/** Batch sizes of which a device has a throughput, ascending. */
export const batchesOf = ({ runs }: MeasuredDevice): string[] =>
  [...new Set(runs.flatMap((run) => Object.keys(run.measured?.throughput ?? {})))].sort(
    (a, b) => Number(a) - Number(b),
  );

/** What was not measured on a device and why, each reason once with whom it concerns. */
export function missingOf({ runs }: MeasuredDevice): { readonly who: string; readonly why: string }[] {
  const about = new Map<string, string[]>();
  for (const run of runs) {
    if (run.measured) continue;
    const place = run.provider === null ? run.variant : `${run.variant} on ${placeOf(run)}`;
    const why = run.reason ?? 'unknown';
    about.set(why, [...(about.get(why) ?? []), place]);
  }
  return [...about].map(([why, who]) => ({ who: who.join(', '), why }));
}

/** How a variant's answers compare, for a table's cell. */
export const qualityText = (variant: ReportedVariant, data: BundleReport['data']): string => {
  const quality = qualityOf(variant, data);
  if (quality) return describeQuality(quality);
  return variant.parity.length > 0 ? 'no difference' : 'not measured';
};
