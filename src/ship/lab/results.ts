/** What came of it: lab-results.json in the bundle with everything, and edgepress.json with the figures that a loader
 *  chooses by. Both are replaced whole, so that a reader never sees half a file. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { outputExists, outputUnwritable } from '../../support/diagnostics/files.ts';
import { replaceFile } from '../../support/replace-file.ts';
import { median, medianInterval, quantile } from '../../support/statistics.ts';
import { againstSchema, type BundleMeasurement, type Manifest } from '../emit/manifest.ts';
import { failureReason } from '../emit/write.ts';
import { fastestRuns } from '../profile/fastest.ts';
import { manifestFile, readManifest } from './bundle.ts';
import { deviceSchema, type Measured, type Run, runSchema } from './messages.ts';
import { placeKey } from './naming.ts';
import type { LabDevice } from './roster.ts';

export const resultsFile = 'lab-results.json';

const ms = z.number();

const labRunSchema = z.strictObject({
  ...runSchema.shape,
  /** Of the variant's model file, as it was then. */
  sha256: z.string(),
  /** null with `error`. */
  measured: z
    .strictObject({
      /** Absent in files of before there was more than one: that of the device. */
      runtime: z.string().optional(),
      downloadMs: ms,
      compileMs: ms,
      createMs: ms,
      firstRunMs: ms,
      warmup: z.number(),
      repetitions: z.number(),
      /** null when it is below the step of the browser's clock. */
      medianMs: ms.nullable(),
      p90Ms: ms,
      minMs: ms,
      intervalMs: z.tuple([ms, ms]),
      peakBytes: z.number().nullable(),
      resolutionMs: ms,
      samplesMs: z.array(ms),
      /** Where it took turns with others at its place. */
      against: againstSchema.optional(),
    })
    .nullable(),
  error: z.string().nullable(),
});

const labDeviceSchema = z.strictObject({
  ...deviceSchema.shape,
  joinedAt: z.string(),
  /** null: it left, or the lab ended, before all was measured. */
  finishedAt: z.string().nullable(),
  runtime: z.string(),
  runs: z.array(labRunSchema),
  left: z.array(z.strictObject({ variant: z.string(), what: z.string(), reason: z.string() })),
});

export const labResultsSchema = z.strictObject({
  schema: z.literal('edgepress/lab@1'),
  bundle: z.string(),
  /** In the order in which they joined; those of earlier labs stay. */
  devices: z.array(labDeviceSchema),
});

type LabResults = z.infer<typeof labResultsSchema>;
export type LabDeviceResult = LabResults['devices'][number];
export type LabRunResult = LabDeviceResult['runs'][number];

/** @param runtime  "onnxruntime-web 1.30.0" */
export function deviceResult(device: LabDevice, manifest: Manifest, runtime: string): LabDeviceResult {
  return {
    ...device.facts,
    joinedAt: device.joinedAt,
    finishedAt: device.finishedAt,
    runtime,
    runs: [...device.done.values()].map(({ run, outcome, against }) => ({
      ...run,
      sha256: manifest.variants.find((v) => v.name === run.variant)?.parts[0]?.sha256 ?? '',
      measured: outcome.kind === 'measured' ? { ...figures(outcome), ...(against ? { against } : {}) } : null,
      error: outcome.kind === 'failed' ? outcome.message : null,
    })),
    left: [...device.left],
  };
}

/** Median, spread and extremes are derived here, from the samples: a device can't contradict itself. */
export function figures({ kind: _, samplesMs, ...rest }: Measured): NonNullable<LabRunResult['measured']> {
  const middle = median(samplesMs);
  return {
    ...rest,
    repetitions: samplesMs.length,
    medianMs: middle > 0 ? middle : null,
    p90Ms: quantile(samplesMs, 0.9),
    minMs: Math.min(...samplesMs),
    intervalMs: medianInterval(samplesMs),
    samplesMs,
  };
}

/** The runs of a device that none is clearly faster than; one below the clock's step counts as nothing at all. */
export const fastestOf = <T extends Timed>({
  runs,
  adapter,
}: { readonly runs: readonly T[] } & Pick<LabDeviceResult, 'adapter'>): T[] =>
  fastestRuns(runs, ({ variant, measured, ...place }) => {
    if (!measured) return null;
    const { medianMs, intervalMs, against } = measured;
    return {
      ...{ variant, place: placeKey(place), adapter: place.provider === 'webgpu' ? adapter : null },
      ...{ medianMs: medianMs ?? 0, intervalMs, against },
    };
  });

interface Timed extends Run {
  readonly measured: Pick<
    NonNullable<LabRunResult['measured']>,
    'medianMs' | 'intervalMs' | 'against'
  > | null;
}

/** Results of earlier labs in this bundle. @throws OUTPUT_EXISTS for a file of that name which is something else */
export function readEarlier(folder: string): LabDeviceResult[] {
  const file = path.join(folder, resultsFile);
  if (!existsSync(file)) return [];
  try {
    return labResultsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).devices;
  } catch {
    throw outputExists(file, 'a file that edgepress did not make');
  }
}

/** @returns the paths written @throws OUTPUT_UNWRITABLE, BUNDLE_UNREADABLE */
export function saveResults(
  folder: string,
  bundle: string,
  earlier: readonly LabDeviceResult[],
  devices: readonly LabDeviceResult[],
): string[] {
  const results: LabResults = { schema: 'edgepress/lab@1', bundle, devices: [...earlier, ...devices] };
  const file = path.join(folder, resultsFile);
  replace(file, results);
  const measured = devices.some((device) => device.runs.some((run) => run.measured?.medianMs));
  if (!measured) return [file];
  const manifest = path.join(folder, manifestFile);
  // Read again: somebody else may have measured meanwhile.
  replace(manifest, mergeMeasured(readManifest(manifest), devices));
  return [file, manifest];
}

/** Replaces what is known about the same device, browser, provider, threads and runtime; adds the rest. */
export function mergeMeasured(manifest: Manifest, devices: readonly LabDeviceResult[]): Manifest {
  const variants = manifest.variants.map((variant) => {
    const fresh = devices.flatMap((device) =>
      device.runs
        .filter((run) => run.variant === variant.name && run.sha256 === variant.parts[0]?.sha256)
        .flatMap((run) => measurementOf(device, run)),
    );
    // Of two devices that call themselves the same, the later one stands.
    const latest = new Map(fresh.map((m) => [identity(m), m]));
    const kept = variant.measured.filter((m) => !latest.has(identity(m)));
    return { ...variant, measured: [...kept, ...latest.values()] };
  });
  return { ...manifest, variants };
}

const identity = ({ device, host, provider, threads, runtime }: BundleMeasurement) =>
  JSON.stringify([device, host, provider, threads, runtime]);

function measurementOf(device: LabDeviceResult, run: LabRunResult): BundleMeasurement[] {
  if (!run.measured?.medianMs) return [];
  const { downloadMs, createMs, firstRunMs, warmup, repetitions, medianMs, p90Ms, peakBytes } = run.measured;
  const runtime = run.measured.runtime ?? device.runtime;
  return [
    {
      device: device.name,
      host: device.host,
      provider: run.provider,
      threads: run.threads,
      runtime,
      adapter: run.provider === 'webgpu' ? device.adapter : null,
      emulated: device.automated,
      ...{ downloadMs, createMs, firstRunMs, warmup, repetitions, medianMs, p90Ms, peakBytes },
      ...(run.measured.against ? { against: run.measured.against } : {}),
      measuredAt: device.finishedAt ?? device.joinedAt,
    },
  ];
}

function replace(file: string, value: unknown): void {
  try {
    replaceFile(file, `${JSON.stringify(value, null, 2)}\n`);
  } catch (cause) {
    throw outputUnwritable(file, failureReason(cause), cause);
  }
}
