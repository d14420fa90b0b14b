/** What a bundle holds and how it runs where it was measured. `compress bundle`, `profile` and `lab` end in this value;
 *  HTML, Markdown and JSON are views of it. null means "not measured" everywhere; it is never written as zero. */
import { z } from 'zod';
import { againstSchema } from '../../ship/emit/manifest.ts';
import { fastestRuns } from '../../ship/profile/fastest.ts';
import { isSoftware } from '../../support/gpu-adapter.ts';
import { type Measure, measureSchema } from '../task/measure.ts';
import { taskSchema } from '../task/task.ts';

const number = z.number().nullable();

export const placedRunSchema = z.object({
  variant: z.string(),
  /** null where it was not even tried. */
  provider: z.string().nullable(),
  threads: number,
  runtime: z.string().nullable(),
  adapter: z.string().nullable(),
  measured: z
    .object({
      downloadMs: number,
      /** Compiling and starting the runtime. */
      compileMs: number,
      createMs: number,
      firstRunMs: number,
      warmup: z.number(),
      repetitions: z.number(),
      medianMs: number,
      p90Ms: number,
      /** 95 % interval of the median, where the samples are known. */
      intervalMs: z.tuple([z.number(), z.number()]).nullable(),
      peakBytes: number,
      /** Samples a second by batch size. */
      throughput: z.record(z.string(), z.number()),
      /** Where it took turns with another variant: how the two compare. */
      against: againstSchema.optional(),
      measuredAt: z.string(),
    })
    .nullable(),
  /** Why it was not measured; null when it was. */
  reason: z.string().nullable(),
});

export const bundleReportSchema = z.object({
  schema: z.literal('edgepress/bundle-report@1'),
  tool: z.object({ name: z.literal('edgepress'), version: z.string() }),
  createdAt: z.string(),
  command: z.string(),
  name: z.string(),
  /** null for a model file that was profiled by itself. */
  source: z.object({ file: z.string(), bytes: z.number(), sha256: z.string() }).nullable(),
  /** What the model is for, and what shows it. Absent in older reports, and where variants were only measured. */
  task: taskSchema.optional(),
  /** What variants were made and compared with; null where that is not known. */
  data: z
    .object({
      source: z.string(),
      calibrationSamples: z.number(),
      evaluationSamples: z.number(),
      test: z.string().optional(),
      synthetic: z.boolean(),
    })
    .nullable(),
  variants: z.array(
    z.object({
      name: z.string(),
      precision: z.string().nullable(),
      format: z.string(),
      providers: z.array(z.string()),
      requires: z.array(z.string()),
      bytes: z.number(),
      brotliBytes: number,
      /** What a page loads beside it; null outside of pages. */
      runtime: z.object({ bundle: z.string(), brotliBytes: number }).nullable(),
      accuracy: z
        .object({ metric: z.string(), value: z.number(), original: number, samples: z.number() })
        .nullable(),
      /** Agreement with the original on each runtime that it was run on. */
      parity: z.array(
        z.object({
          runtime: z.string(),
          samples: z.number(),
          sqnrDb: number,
          cosine: number,
          top1Agreement: number,
          /** What stands for the model's task, where that isn't the largest score. */
          measure: measureSchema.pick({ name: true, unit: true }).extend({ value: z.number() }).optional(),
        }),
      ),
    }),
  ),
  /** What was tried and is not in the bundle. */
  refused: z.array(z.object({ name: z.string(), reason: z.string() })),
  notes: z.array(z.string()),
  /** What exporters had written of the machine and no variant has; absent where there was none or it was kept. */
  stripped: z.object({ texts: z.number(), bytes: z.number() }).optional(),
  /** What it amounts to, bad news first: every view says this. */
  verdict: z.object({
    level: z.enum(['good', 'warn', 'bad']),
    headline: z.string(),
    warnings: z.array(z.object({ level: z.enum(['warn', 'bad']), text: z.string() })),
  }),
  /** Real devices first. */
  devices: z.array(
    z.object({
      device: z.string(),
      /** Browser and version, or "node 20.19.1". */
      host: z.string(),
      emulated: z.boolean(),
      runs: z.array(placedRunSchema),
    }),
  ),
});

export type BundleReport = z.infer<typeof bundleReportSchema>;
/** Before it was judged. */
export type JudgedBundle = Omit<BundleReport, 'verdict'>;
export type ReportedVariant = BundleReport['variants'][number];
export type MeasuredDevice = BundleReport['devices'][number];
export type PlacedRun = z.infer<typeof placedRunSchema>;

export interface RunOnDevice extends PlacedRun {
  readonly device: string;
  readonly host: string;
  readonly emulated: boolean;
}

/** Runs by device: emulated and real ones never mix. On each device the fastest first, then what was not measured; a
 *  variant that has no run there at all gets one that says so. Of two runs of one variant at one place the later in
 *  the list stands. */
export function groupByDevice(
  runs: readonly RunOnDevice[],
  variants: readonly Pick<ReportedVariant, 'name'>[],
): MeasuredDevice[] {
  const devices = new Map<string, MeasuredDevice & { places: Map<string, PlacedRun> }>();
  for (const { device, host, emulated, ...run } of runs) {
    const key = JSON.stringify([device, host, emulated]);
    const known = devices.get(key) ?? { device, host, emulated, runs: [], places: new Map() };
    devices.set(key, known);
    const place = JSON.stringify([run.variant, run.provider, run.threads]);
    // A failure does not take away what was measured before.
    if (run.measured || !known.places.get(place)?.measured) known.places.set(place, run);
  }
  return [...devices.values()]
    .map(({ places, ...device }) => {
      const tried = [...places.values()];
      const missing = variants
        .filter(({ name }) => !tried.some((run) => run.variant === name))
        .map(({ name }) => neverTried(name));
      return { ...device, runs: [...tried, ...missing].sort((a, b) => rank(a) - rank(b)) };
    })
    .sort((a, b) => Number(a.emulated) - Number(b.emulated));
}

const neverTried = (variant: string): PlacedRun => ({
  variant,
  ...{ provider: null, threads: null, runtime: null, adapter: null },
  measured: null,
  reason: 'not tried on this device',
});

/** What a CPU computes in a GPU's place stands behind what was measured on real ones. */
const rank = (run: PlacedRun) =>
  run.measured === null
    ? Number.MAX_VALUE
    : onSoftware(run)
      ? Number.MAX_VALUE / 2
      : (run.measured.medianMs ?? Number.MAX_VALUE / 4);

/** Download, compile and create, as far as they are known; null when none is. */
export function loadMs({ measured }: PlacedRun): number | null {
  const parts = [measured?.downloadMs, measured?.compileMs, measured?.createMs].filter((ms) => ms != null);
  return parts.length === 0 ? null : parts.reduce((a, b) => a + b, 0);
}

/** The runs that none is clearly faster than, the least median first; none where nothing was measured. */
export const fastestOf = ({ runs }: Pick<MeasuredDevice, 'runs'>): PlacedRun[] =>
  fastestRuns(runs, (run) => {
    const { variant, adapter, measured } = run;
    if (!measured || measured.medianMs === null) return null;
    const { medianMs, intervalMs, against } = measured;
    return { variant, place: placeOf(run), adapter, medianMs, intervalMs, against };
  });

/** The device that stands for speed: a real one before those that are emulated, a browser before Node; null where nothing was measured. */
export function leadDevice(devices: readonly MeasuredDevice[]): MeasuredDevice | null {
  const timed = devices.filter((device) => fastestOf(device).length > 0);
  const real = timed.filter(({ emulated }) => !emulated);
  return real.find(({ host }) => !/^node\b/i.test(host)) ?? real[0] ?? timed[0] ?? null;
}

export const onSoftware = ({ adapter }: Pick<PlacedRun, 'adapter'>) =>
  adapter !== null && isSoftware(adapter);

/** "wasm × 4", "webgpu", "webgpu (CPU)" where that stands in for the GPU, or "–". */
export function placeOf(run: Pick<PlacedRun, 'provider' | 'threads' | 'adapter'>): string {
  const { provider, threads } = run;
  if (provider === null) return '–';
  if (onSoftware(run)) return `${provider} (CPU)`;
  return threads !== null && threads > 1 ? `${provider} × ${threads}` : provider;
}

/** The comparison on most samples: browsers ran fewer. */
export const widestParity = ({ parity }: Pick<ReportedVariant, 'parity'>) =>
  [...parity].sort((a, b) => b.samples - a.samples)[0] ?? null;

export interface Quality {
  readonly metric: string;
  readonly value: number;
  readonly original: number | null;
  readonly samples: number;
  readonly unit: Measure['unit'];
  /** Whether it counts samples, each a hit or none, so that it has the interval of a share. */
  readonly isShare: boolean;
}

/** What is best known of a variant's answers: accuracy, else what stands for the task against the original on
 *  real data, else SQNR. */
export function qualityOf(
  { accuracy, parity }: Pick<ReportedVariant, 'accuracy' | 'parity'>,
  data: BundleReport['data'],
): Quality | null {
  if (accuracy) return { ...accuracy, unit: 'fraction', isShare: true };
  const widest = widestParity({ parity });
  if (!widest) return null;
  const { samples, top1Agreement, sqnrDb, measure } = widest;
  const real = data !== null && !data.synthetic;
  if (real && measure)
    return {
      ...{ metric: measure.name, value: measure.value, original: null, samples, unit: measure.unit },
      isShare: false,
    };
  if (real && top1Agreement !== null)
    return {
      ...{ metric: 'same top-1', value: top1Agreement, original: null, samples, unit: 'fraction' },
      isShare: true,
    };
  if (sqnrDb === null) return null;
  return { metric: 'SQNR', value: sqnrDb, original: null, samples, unit: 'dB', isShare: false };
}
