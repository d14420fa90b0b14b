/** Where models are measured: one contract for Node, browsers and emulated phones. */

import type { Port } from '../../model/ir/port.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { unknownDevice } from '../../support/diagnostics/devices.ts';
import type { Against, BundleMeasurement, Variant } from '../emit/manifest.ts';
import type { TaskPart } from './browser-task.ts';
import { type BrowserKind, browserKinds, isBrowser } from './browsers.ts';
import { describeMachine } from './machine.ts';
import type { Measurement, MeasureOptions } from './measure.ts';
import { isPreset, type PhoneNetwork, type PresetName, presetNames } from './presets.ts';
import { batchInputs, type Throughput, type ThroughputRequest } from './throughput.ts';
import type { Visit } from './visit.ts';

export type Provider = Variant['providers'][number];

/** A bundle's variant, or a model file. */
export interface Subject {
  readonly name: string;
  readonly parts: readonly TaskPart[];
  /** Whether a weight is in float16, where that is known. */
  readonly halfWeights?: boolean | undefined;
  readonly format: Variant['format'];
  /** What it is made for; null: whatever there is. */
  readonly providers: readonly Provider[] | null;
  readonly requires: Variant['requires'];
  readonly sessionConfig: Readonly<Record<string, string>>;
  readonly inputs: readonly Pick<Port, 'name' | 'shape'>[];
  /** Names and ONNX types; only a bundle's variants of TensorFlow.js and LiteRT.js need them. */
  readonly outputs?: readonly Pick<Port, 'name' | 'dtype'>[] | undefined;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Of a bundle's variant: all parts of it, and these compressed. */
  readonly sizes?: Pick<Variant, 'bytes' | 'brotliBytes'> | undefined;
}

export interface Setting {
  readonly provider: Provider;
  /** 1 on WebGPU. */
  readonly threads: number;
}

interface DeviceOptions extends MeasureOptions {
  /** Batch sizes to measure throughput at. */
  readonly throughput?: readonly number[] | undefined;
  /** For one subject and setting; default 180 000. */
  readonly timeoutMs?: number;
}

export interface DeviceMeasurement {
  readonly result: BundleMeasurement;
  readonly samplesMs: readonly number[];
  readonly intervalMs: readonly [number, number];
  /** What could not be measured, and why. */
  readonly notes: readonly string[];
}

export interface Device {
  /** As asked for: "chromium:phone". */
  readonly name: string;
  /** "Chromium 140.0.7339.127", with how a phone is emulated. */
  readonly title: string;
  readonly emulated: boolean;
  readonly providers: readonly Provider[];
  /** What a page's files come over where it is emulated, null where it is this machine's own; absent where there is no page. */
  readonly network?: PhoneNetwork | null;
  /** Why it does not run this at all; null when it may. */
  refuses(subject: Subject, setting: Setting): string | null;
  /** @throws what the engine or the browser reports; the signal's reason when aborted */
  measure(subject: Subject, setting: Setting, options?: DeviceOptions): Promise<DeviceMeasurement>;
  /** Latencies of several, run by turns in one page or process and fed what the first is fed. In the order of the subjects; the
   *  i-th sample of one is the neighbour of the others' i-th.
   *  @throws as `measure`; MEASURE_MEMORY where all of them open at once would not fit */
  measureByTurns(
    subjects: readonly [Subject, ...Subject[]],
    setting: Setting,
    options?: Omit<DeviceOptions, 'throughput'>,
  ): Promise<readonly Measurement[]>;
  close(): Promise<void>;
}

type DeviceName =
  | { readonly kind: 'node' }
  | { readonly kind: 'wasm' }
  | { readonly kind: BrowserKind; readonly preset?: PresetName };

/** Firefox and WebKit have no way to slow a page down. */
const canEmulate = browserKinds.filter((kind) => kind !== 'firefox' && kind !== 'webkit');

/** All names that `parseDevice` takes. */
export const deviceNames: readonly string[] = [
  'node',
  'wasm',
  ...browserKinds,
  ...canEmulate.flatMap((kind) => presetNames.map((preset) => `${kind}:${preset}`)),
];

/** @throws UNKNOWN_DEVICE, which lists the valid ones */
export function parseDevice(name: string): DeviceName {
  if (!deviceNames.includes(name)) throw unknownDevice(name, deviceNames);
  const [kind = '', preset = ''] = name.split(':');
  if (isBrowser(kind)) return isPreset(preset) ? { kind, preset } : { kind };
  return { kind: kind === 'node' ? 'node' : 'wasm' };
}

/** "AMD EPYC 7B13, 2 cores, Linux x64": the machine itself, as measurements name it. */
export function machineName(): string {
  const { cpu, cores, os } = describeMachine();
  const [type, , arch] = os.split(' ');
  return `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${type} ${arch}`;
}

/** Why a subject is not for a provider, whatever the device. */
export function notMadeFor({ providers }: Subject, { provider }: Setting): string | null {
  return providers && !providers.includes(provider) ? `made for ${providers.join(', ')}` : null;
}

/** One subject on one device in one setting. */
export interface ProfileRow extends Setting {
  readonly subject: string;
  readonly device: string;
  readonly measured: DeviceMeasurement | null;
  /** Why it was not measured; null when it was. */
  readonly reason: string | null;
  /** Of a bundle's variant in a page. */
  readonly visit?: Visit | undefined;
}

export interface Profile {
  readonly target: string;
  readonly devices: readonly Pick<Device, 'name' | 'title' | 'emulated'>[];
  /** By device, in the order asked for. */
  readonly rows: readonly ProfileRow[];
  /** The manifest that the results were written to; null for a model file. */
  readonly written: string | null;
}

/** Throughput runs are many: each is kept short. */
const briefly = { warmup: 1, minRepetitions: 3, maxRepetitions: 30, maxMs: 1500 };

/** What to ask of a device for `throughput`, and what to say when it can't be asked. */
export function throughputFor(
  subject: Subject,
  batches: readonly number[] | undefined,
): { readonly request?: ThroughputRequest; readonly notes: readonly string[] } {
  if (!batches || batches.length === 0) return { notes: [] };
  const inputs = batchInputs(subject.inputs);
  if (inputs.length === 0) return { notes: ['throughput not measured: the batch dimension is fixed'] };
  return { request: { batches, inputs, options: briefly }, notes: [] };
}

/** Microseconds: clocks of browsers tell no more. */
const rounded = (value: number) => Math.round(value * 1000) / 1000;

/** Measured numbers as the manifest keeps them. */
export function measurementOf(
  facts: Pick<
    BundleMeasurement,
    'device' | 'host' | 'provider' | 'threads' | 'runtime' | 'adapter' | 'emulated'
  >,
  timed: Measurement & { readonly compileMs: number; readonly throughput?: Throughput | undefined },
  sizes: Pick<BundleMeasurement, 'downloadMs' | 'peakBytes'>,
): BundleMeasurement {
  const { compileMs, createMs, firstRunMs, warmup, samplesMs, medianMs, p90Ms } = timed;
  const perSecond = Object.entries(timed.throughput?.perSecond ?? {}).map(([n, value]) => [
    n,
    rounded(value),
  ]);
  return {
    ...facts,
    ...sizes,
    downloadMs: sizes.downloadMs === null ? null : rounded(sizes.downloadMs),
    ...{ compileMs: rounded(compileMs), createMs: rounded(createMs), firstRunMs: rounded(firstRunMs) },
    ...{ warmup, repetitions: samplesMs.length, medianMs: rounded(medianMs), p90Ms: rounded(p90Ms) },
    throughput: perSecond.length > 0 ? Object.fromEntries(perSecond) : undefined,
    measuredAt: new Date().toISOString(),
  };
}

/** The same with the latencies of a page or process in which several took turns. */
export function timedByTurns(
  alone: DeviceMeasurement,
  turns: Measurement,
  against: Against | null,
): DeviceMeasurement {
  const { warmup, samplesMs, intervalMs, medianMs, p90Ms } = turns;
  const timed = {
    ...{ warmup, repetitions: samplesMs.length, medianMs: rounded(medianMs), p90Ms: rounded(p90Ms) },
    ...(against ? { against } : {}),
  };
  return { ...alone, result: { ...alone.result, ...timed }, samplesMs, intervalMs };
}

export const failedBatches = (throughput: Throughput | undefined): string[] =>
  Object.entries(throughput?.failed ?? {}).map(([batch, why]) => `batch ${batch} not measured: ${why}`);
