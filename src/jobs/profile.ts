/** Measures the variants of a bundle, or one model, on devices of this machine. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { syntheticInputs } from '../data/synthetic.ts';
import { type ModelInput, openModel } from '../model/formats/open-file.ts';
import type { ModelSource, OpenedModel } from '../model/formats/opened.ts';
import { isDType } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import { portsOf } from '../model/ir/port.ts';
import type { BundleMeasurement, Manifest, Variant } from '../ship/emit/manifest.ts';
import { createStage } from '../ship/emit/write.ts';
import { manifestFile, type OpenedBundle, openBundle, readManifest } from '../ship/lab/bundle.ts';
import { type BrowserKind, browserVariable, findBrowser, findBrowsers } from '../ship/profile/browsers.ts';
import {
  type Device,
  type DeviceMeasurement,
  type Profile,
  type ProfileRow,
  type Provider,
  parseDevice,
  type Setting,
  type Subject,
} from '../ship/profile/device.ts';
import type { MeasureOptions } from '../ship/profile/measure.ts';
import { openDevice } from '../ship/profile/open-device.ts';
import { browserMissing, nothingMeasured } from '../support/diagnostics/devices.ts';
import { unknownDtype } from '../support/diagnostics/graph.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { type JobEvents, step } from './progress.ts';

export interface ProfileOptions {
  /** A bundle's folder, or a model. */
  readonly target: ModelInput;
  readonly devices: readonly string[];
  /** Default: all that a device has and a variant is made for. */
  readonly providers?: readonly Provider[];
  /** Default [1]. */
  readonly threads?: readonly number[];
  /** Batch sizes. */
  readonly throughput?: readonly number[];
  /** Sizes of open dimensions by symbol; 1 otherwise. */
  readonly dims?: Readonly<Record<string, number>>;
  readonly measure?: Omit<MeasureOptions, 'signal'>;
  readonly signal?: AbortSignal;
  readonly events?: JobEvents;
}

/** @throws UNKNOWN_DEVICE and BROWSER_MISSING before anything is measured; NOTHING_MEASURED when no row could be;
 *    BUNDLE_NOT_FOUND, BUNDLE_UNREADABLE, what reading a model throws; OUTPUT_UNWRITABLE */
export async function profile(options: ProfileOptions): Promise<Profile> {
  for (const name of options.devices) checkDevice(name);
  const bundle = isBundle(options.target) ? openBundle(options.target) : null;
  const subjects = bundle ? bundleSubjects(bundle, options) : [modelSubject(options)];
  const devices: Profile['devices'][number][] = [];
  const rows: ProfileRow[] = [];
  for (const name of new Set(options.devices)) {
    const device = await openDevice(name, neededProviders(subjects, options));
    try {
      devices.push({ name, title: device.title, emulated: device.emulated });
      rows.push(...(await measureOn(device, subjects, options)));
    } finally {
      await device.close();
    }
  }
  if (!rows.some((row) => row.measured))
    throw nothingMeasured(rows.flatMap(({ subject, reason }) => (reason ? [`${subject}: ${reason}`] : [])));
  const written = bundle ? writeMeasured(bundle.folder, rows) : null;
  const target = typeof options.target === 'string' ? options.target : subjects[0]!.name;
  return { target, devices, rows, written };
}

function checkDevice(name: string): void {
  const { kind } = parseDevice(name);
  if (kind === 'node' || kind === 'wasm' || findBrowser(kind)) return;
  const missing: BrowserKind = kind;
  throw browserMissing(missing, findBrowsers(), browserVariable(missing));
}

/** WebGPU takes setting up: only where something might run on it. */
const neededProviders = (subjects: readonly Subject[], { providers }: ProfileOptions): Provider[] => {
  const wanted = subjects.flatMap((s): readonly Provider[] => s.providers ?? ['wasm', 'webgpu', 'cpu']);
  return [...new Set(wanted)].filter((p) => !providers || providers.includes(p));
};

async function measureOn(
  device: Device,
  subjects: readonly Subject[],
  options: ProfileOptions,
): Promise<ProfileRow[]> {
  const { events = {}, signal, throughput } = options;
  const rows: ProfileRow[] = [];
  for (const subject of subjects)
    for (const setting of settingsOf(device, subject, options)) {
      const row = { subject: subject.name, device: device.name, ...setting };
      const reason = device.refuses(subject, setting);
      if (reason !== null) {
        rows.push({ ...row, measured: null, reason });
        continue;
      }
      const ask = {
        ...options.measure,
        ...(throughput ? { throughput } : {}),
        ...(signal ? { signal } : {}),
      };
      const name = `${device.name} ${placeOf(setting)}`;
      const outcome = await step(
        events,
        name,
        () => attempt(() => device.measure(subject, setting, ask), signal),
        (o) => `${subject.name} · ${o.measured ? `${o.measured.samplesMs.length} runs` : 'not measured'}`,
      );
      rows.push({ ...row, ...outcome });
    }
  return rows;
}

export const placeOf = ({ provider, threads }: Setting) =>
  threads > 1 ? `${provider} × ${threads}` : provider;

/** One that cannot run there is a row with the reason; a bug of ours, or the user's interrupt, is not. */
async function attempt(
  measure: () => Promise<DeviceMeasurement>,
  signal: AbortSignal | undefined,
): Promise<Pick<ProfileRow, 'measured' | 'reason'>> {
  try {
    return { measured: await measure(), reason: null };
  } catch (error) {
    if (signal?.aborted || !(error instanceof Diagnostic) || error.kind === 'internal') throw error;
    return { measured: null, reason: error.message };
  }
}

/** A device's providers that were asked for, those that the subject is made for first; one row says why if none is. */
function settingsOf(
  device: Device,
  subject: Subject,
  { providers, threads = [1] }: ProfileOptions,
): Setting[] {
  const asked = device.providers.filter((p) => !providers || providers.includes(p));
  const fit = asked.filter((p) => !subject.providers || subject.providers.includes(p));
  const used = fit.length > 0 ? fit : asked.slice(0, 1);
  return used.flatMap((provider) =>
    [...new Set(provider === 'webgpu' || fit.length === 0 ? [1] : threads)].map((n) => ({
      provider,
      threads: n,
    })),
  );
}

// --- what is measured ---------------------------------------------------------------------------------------------

const isBundle = (target: ModelInput): target is string =>
  typeof target === 'string' && statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;

function bundleSubjects({ manifest, files }: OpenedBundle, { dims }: ProfileOptions): Subject[] {
  const inputs = manifest.inputs.map(portOf);
  const feeds = syntheticInputs(inputs, { seed: 0, dims: { ...pictureDims(manifest), ...dims } });
  return manifest.variants.map((variant) => ({
    name: variant.name,
    parts: variant.parts.map((part) => ({
      name: part.name,
      role: part.role,
      files: part.files.map((file) => ({ path: files.get(file.path)! })),
    })),
    format: variant.format,
    providers: variant.providers,
    requires: variant.requires,
    sessionConfig: variant.sessionConfig,
    inputs,
    feeds,
  }));
}

function portOf({ name, dtype, shape }: Manifest['inputs'][number]): Port {
  if (!isDType(dtype)) throw unknownDtype(dtype, `Input "${name}"`);
  return { name, dtype, shape };
}

/** Height and width of the picture that the app will feed, where the model leaves them open. */
function pictureDims({ preprocessing, inputs }: Manifest): Record<string, number> {
  const crop = (preprocessing?.['crop'] ?? null) as { width?: number; height?: number } | null;
  const input = inputs.find(({ shape }) => shape?.length === 4);
  if (!crop?.width || !crop.height || !input) return {};
  const first = preprocessing?.['layout'] === 'NHWC' ? 1 : 2;
  return Object.fromEntries(
    [crop.height, crop.width].flatMap((size, i) => {
      const symbol = input.shape?.[first + i];
      const places = [`${input.name}:${first + i}`, ...(typeof symbol === 'string' ? [symbol] : [])];
      return places.map((place) => [place, size]);
    }),
  );
}

function modelSubject({ target, dims }: ProfileOptions): Subject {
  const opened = openModel(target);
  const inputs = portsOf(opened.model);
  const { halfWeights, ...source } = opened.engineSource('path');
  return {
    name: opened.name,
    parts: partsOf(opened, source),
    format: opened.format.extensions.includes('.ort') ? 'ort' : 'onnx',
    halfWeights,
    providers: null,
    requires: [],
    sessionConfig: {},
    inputs,
    feeds: syntheticInputs(inputs, { seed: 0, ...(dims ? { dims } : {}) }),
  };
}

function partsOf({ name, files }: OpenedModel, source: ModelSource): Subject['parts'] {
  if ('path' in source)
    return files.map((file, i) => ({
      name: file.name,
      role: i === 0 ? 'model' : 'data',
      files: [{ path: file.path! }],
    }));
  const data = [...(source.externalData ?? [])].map(([name, bytes]) => ({
    name,
    role: 'data' as const,
    files: [{ bytes }],
  }));
  return [{ name, role: 'model', files: [{ bytes: source.bytes }] }, ...data];
}

// --- what is kept -------------------------------------------------------------------------------------------------

/** @returns the manifest's path */
function writeMeasured(folder: string, rows: readonly ProfileRow[]): string {
  const path = join(folder, manifestFile);
  const stage = createStage(path);
  try {
    // Read again: somebody else may have measured meanwhile.
    stage.write(path, `${JSON.stringify(mergeRows(readManifest(path), rows), null, 2)}\n`);
    stage.commit();
  } finally {
    stage.discard();
  }
  return path;
}

/** Replaces what is known about the same place; keeps the rest. */
export function mergeRows(manifest: Manifest, rows: readonly ProfileRow[]): Manifest {
  const variants = manifest.variants.map((variant): Variant => {
    const fresh = rows.flatMap((row) =>
      row.subject === variant.name && row.measured ? [row.measured.result] : [],
    );
    const places = new Set(fresh.map(identity));
    return { ...variant, measured: [...variant.measured.filter((m) => !places.has(identity(m))), ...fresh] };
  });
  return { ...manifest, variants };
}

const identity = ({ device, host, provider, threads, runtime }: BundleMeasurement) =>
  JSON.stringify([device, host, provider, threads, runtime]);
