/** Puts a bundle's report together, from the manifest and from what else was found. */

import type { BundleMeasurement, Manifest, Variant } from '../../ship/emit/manifest.ts';
import type { LabDeviceResult } from '../../ship/lab/results.ts';
import type { Profile } from '../../ship/profile/device.ts';
import { formatMs } from '../../support/units.ts';
import { version } from '../../support/version.ts';
import {
  type BundleReport,
  groupByDevice,
  type JudgedBundle,
  type PlacedRun,
  type ReportedVariant,
  type RunOnDevice,
} from './bundle-report.ts';
import { judgeBundle } from './bundle-summary.ts';

export interface BundleReportParts {
  readonly command: string;
  /** Or what stands for one where a model file was profiled by itself. */
  readonly manifest: Pick<Manifest, 'name'> &
    Partial<Pick<Manifest, 'provenance'>> & {
      readonly variants: readonly (ReportedVariant & Pick<Variant, 'measured' | 'parts'>)[];
    };
  /** Of this run; earlier ones in the manifest are reported as well. */
  readonly profile?: Pick<Profile, 'rows' | 'devices'> | undefined;
  readonly lab?: readonly LabDeviceResult[] | undefined;
  readonly refused?: BundleReport['refused'] | undefined;
  readonly notes?: readonly string[] | undefined;
  readonly stripped?: BundleReport['stripped'] | null;
  readonly task?: BundleReport['task'];
}

export function bundleReport(parts: BundleReportParts): BundleReport {
  const { command, manifest, profile, lab = [], refused = [], notes = [], stripped, task } = parts;
  const { provenance } = manifest;
  const variants = manifest.variants.map(
    ({ name, precision, format, providers, requires, bytes, brotliBytes, runtime, accuracy, parity }) => ({
      ...{ name, precision, format, providers, requires, bytes, brotliBytes, runtime, accuracy, parity },
    }),
  );
  const earlier = manifest.variants.flatMap((v) => v.measured.map((m) => measuredRun(v.name, m, null)));
  const runs = [
    ...earlier,
    ...lab.flatMap((device) => labRuns(device, manifest.variants)),
    ...(profile ? profileRuns(profile) : []),
  ];
  const body: JudgedBundle = {
    schema: 'edgepress/bundle-report@1',
    tool: { name: 'edgepress', version },
    createdAt: new Date().toISOString(),
    command,
    name: manifest.name,
    source: provenance?.source ?? null,
    ...(task ? { task } : {}),
    data: provenance?.data ?? null,
    variants,
    refused: [...refused],
    notes: [...notes],
    ...(stripped ? { stripped } : {}),
    devices: groupByDevice(runs, variants),
  };
  return { ...body, verdict: judgeBundle(body) };
}

function measuredRun(
  variant: string,
  m: BundleMeasurement,
  intervalMs: readonly [number, number] | null,
): RunOnDevice {
  const { device, host, emulated, provider, threads, runtime, adapter } = m;
  const { downloadMs, createMs, firstRunMs, warmup, repetitions, medianMs, p90Ms, peakBytes, measuredAt } = m;
  return {
    ...{ device, host, emulated, variant, provider, threads, runtime, adapter },
    measured: {
      ...{ downloadMs, compileMs: m.compileMs ?? null, createMs, firstRunMs, warmup, repetitions },
      ...{ medianMs, p90Ms, peakBytes, measuredAt, throughput: m.throughput ?? {} },
      intervalMs: intervalMs && [...intervalMs],
      ...(m.against ? { against: m.against } : {}),
    },
    reason: null,
  };
}

const failedRun = (
  place: Pick<RunOnDevice, 'device' | 'host' | 'emulated'>,
  run: Pick<PlacedRun, 'variant' | 'provider' | 'threads'>,
  reason: string,
): RunOnDevice => ({ ...place, ...run, runtime: null, adapter: null, measured: null, reason });

/** A row that was not measured belongs to the device of a row that was; where none was, the title stands for it. */
function profileRuns({ rows, devices }: Pick<Profile, 'rows' | 'devices'>): RunOnDevice[] {
  return rows.map((row) => {
    const { subject, provider, threads, measured, reason } = row;
    if (measured) return measuredRun(subject, measured.result, measured.intervalMs);
    const known = rows.find((r) => r.device === row.device && r.measured)?.measured?.result;
    const asked = devices.find((d) => d.name === row.device);
    const place = known ?? {
      device: row.device,
      host: asked?.title ?? '',
      emulated: asked?.emulated ?? false,
    };
    const { device, host, emulated } = place;
    return failedRun(
      { device, host, emulated },
      { variant: subject, provider, threads },
      reason ?? 'not measured',
    );
  });
}

/** Only what the manifest has not: it keeps the medians, not the failures nor what a device left out. Runs of files
 *  that are not in the bundle any more are not about it. */
function labRuns(
  device: LabDeviceResult,
  variants: readonly Pick<Variant, 'name' | 'parts'>[],
): RunOnDevice[] {
  const place = { device: device.name, host: device.host, emulated: device.automated };
  const hashes = new Map(variants.map(({ name, parts }) => [name, parts[0]?.sha256]));
  const failed = device.runs
    .filter((run) => hashes.get(run.variant) === run.sha256)
    .flatMap(({ variant, provider, threads, error, measured }) => {
      const unclear = measured && measured.medianMs === null;
      const reason = unclear
        ? `faster than the browser's clock tells (${formatMs(measured.resolutionMs)})`
        : error;
      return reason === null ? [] : [failedRun(place, { variant, provider, threads }, reason)];
    });
  const left = device.left
    .filter(({ variant }) => hashes.has(variant))
    .map(({ variant, what, reason }) =>
      failedRun(place, { variant, provider: null, threads: null }, `${what}: ${reason}`),
    );
  return [...failed, ...left];
}
