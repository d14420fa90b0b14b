/** `profile`: how fast the variants of a bundle, or one model, are on devices of this machine. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { syntheticInputs } from '../data/synthetic.ts';
import { compareLatency } from '../judge/report/latency.ts';
import type { ModelFormat } from '../model/formats/format.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import type { ModelSource, OpenedModel } from '../model/formats/opened.ts';
import { tfliteFormat } from '../model/formats/tflite/format.ts';
import { isDType } from '../model/ir/dtype.ts';
import { outputPortsOf, type Port, portsOf } from '../model/ir/port.ts';
import type { BundleMeasurement, Manifest, Variant } from '../ship/emit/manifest.ts';
import { createStage } from '../ship/emit/write.ts';
import { manifestFile, type OpenedBundle, openBundle, readManifest } from '../ship/lab/bundle.ts';
import { type BrowserKind, browserVariable, findBrowser, findBrowsers } from '../ship/profile/browsers.ts';
import {
  type Device,
  type Profile,
  type ProfileRow,
  type Provider,
  parseDevice,
  type Setting,
  type Subject,
  timedByTurns,
} from '../ship/profile/device.ts';
import { openDevice } from '../ship/profile/open-device.ts';
import { visitOf } from '../ship/profile/visit.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { browserMissing, nothingMeasured } from '../support/diagnostics/devices.ts';
import { unknownDtype } from '../support/diagnostics/graph.ts';
import { parseRequest } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { shownUrl } from '../support/url.ts';
import { attempt } from './attempt.ts';
import { type JobRun, type RunOptions, separated, step } from './progress.ts';
import { type ModelChoice, readModel } from './read-model.ts';
import { type ProfileRequest, type ProfileRequestInit, profileRequest } from './requests/profile.ts';

export type ProfileOptions = ProfileRequestInit & RunOptions;

/** Measures speed and memory of a bundle's variants, or of one model, in Node, browsers and emulated phones. A bundle's
 *  manifest keeps what was measured.
 *  @param target  the folder of a bundle; or a model: a path, an address on the web, bytes or an open model
 *  @example
 *  const { report } = await profile('public/model/', { device: ['node', 'chromium'] });
 *  console.log(report.rows.map((r) => [r.subject, r.device, r.measured?.result.medianMs]));
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, UNKNOWN_DEVICE, BROWSER_MISSING, NOTHING_MEASURED, BUNDLE_UNREADABLE, what
 *    reading a model throws
 *  @group Calls */
export async function profile(
  target: ModelInput,
  options: ProfileOptions = {},
): Promise<{ report: Profile }> {
  return inCallWords(profileRequest, async () => {
    const { given, run } = separated(options);
    const request = parseRequest(profileRequest, given);
    return { report: await profileOn(target, request, run) };
  });
}

/** What of a request the measuring itself sees. */
interface Asked extends Pick<ProfileRequest, 'threads' | 'throughput'> {
  readonly provider?: readonly Provider[] | undefined;
}

/** @throws UNKNOWN_DEVICE and BROWSER_MISSING before anything is measured; NOTHING_MEASURED when no row could be;
 *    BUNDLE_NOT_FOUND, BUNDLE_UNREADABLE, what reading a model throws; OUTPUT_UNWRITABLE */
export async function profileOn(target: ModelInput, request: ProfileRequest, run: JobRun): Promise<Profile> {
  for (const name of request.device) checkDevice(name);
  const bundle = isBundle(target) ? openBundle(target) : null;
  if (bundle) refuseChoice(request);
  const dims = Object.fromEntries((request.dim ?? []).map(({ name, size }) => [name, size]));
  const subjects = bundle ? bundleSubjects(bundle, dims) : await modelSubjects(target, dims, request, run);
  const devices: Profile['devices'][number][] = [];
  const rows: ProfileRow[] = [];
  for (const name of new Set(request.device)) {
    const device = await openDevice(name, neededProviders(subjects, request));
    try {
      devices.push({ name, title: device.title, emulated: device.emulated });
      const alone = await measureOn(device, subjects, request, run);
      rows.push(...(await takeTurns(device, subjects, alone, run)).map(withVisit(device, subjects)));
    } finally {
      await device.close();
    }
  }
  if (!rows.some((row) => row.measured))
    throw nothingMeasured(rows.flatMap(({ subject, reason }) => (reason ? [`${subject}: ${reason}`] : [])));
  const written = bundle ? writeMeasured(bundle.folder, rows) : null;
  return {
    target: typeof target === 'string' ? shownUrl(target) : subjects[0]!.name,
    devices,
    rows,
    written,
  };
}

/** With what a first visit costs, in pages that load variants of a bundle. */
const withVisit =
  ({ network }: Device, subjects: readonly Subject[]) =>
  (row: ProfileRow): ProfileRow => {
    const { sizes, format } = subjects.find(({ name }) => name === row.subject)!;
    return sizes && row.measured && network !== undefined
      ? { ...row, visit: visitOf({ ...sizes, format }, row.measured.result, network) }
      : row;
  };

/** @throws OPTION_WITHOUT_EFFECT: the variants of a bundle are made */
function refuseChoice({ outputs, layout, sizes, fix }: ModelChoice): void {
  if (outputs) throw optionWithoutEffect('--outputs', 'a model, where a bundle was given');
  if (layout) throw optionWithoutEffect('--layout', 'a model, where a bundle was given');
  if (sizes) throw optionWithoutEffect('--sizes', 'a model, where a bundle was given');
  if (fix) throw optionWithoutEffect('--fix', 'a model, where a bundle was given');
}

function checkDevice(name: string): void {
  const { kind } = parseDevice(name);
  if (kind === 'node' || kind === 'wasm' || findBrowser(kind)) return;
  const missing: BrowserKind = kind;
  throw browserMissing(missing, findBrowsers(), browserVariable(missing));
}

/** WebGPU takes setting up: only where something might run on it. */
const neededProviders = (subjects: readonly Subject[], { provider }: Asked): Provider[] => {
  const wanted = subjects.flatMap((s): readonly Provider[] => s.providers ?? ['wasm', 'webgpu', 'cpu']);
  return [...new Set(wanted)].filter((p) => !provider || provider.includes(p));
};

async function measureOn(
  device: Device,
  subjects: readonly Subject[],
  asked: Asked,
  { signal, events }: JobRun,
): Promise<ProfileRow[]> {
  const { throughput } = asked;
  const rows: ProfileRow[] = [];
  for (const subject of subjects)
    for (const setting of settingsOf(device, subject, asked)) {
      const row = { subject: subject.name, device: device.name, ...setting };
      const reason = device.refuses(subject, setting);
      if (reason !== null) {
        rows.push({ ...row, measured: null, reason });
        continue;
      }
      const ask = { throughput, signal };
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

/** Measured again by turns, those of one place in one page, so that other load and heat hit all alike; what a first visit costs
 *  stays what each page of its own said. Where the page can't hold all, by pairs with the one that they are compared with.
 *  @param alone  rows of one device */
export async function takeTurns(
  device: Device,
  subjects: readonly Subject[],
  alone: readonly ProfileRow[],
  run: JobRun,
): Promise<ProfileRow[]> {
  const rows = [...alone];
  for (const place of new Set(rows.map(placeOf))) {
    const here = rows.filter((row) => row.measured && placeOf(row) === place);
    const first = here.find((row) => row.subject === 'float') ?? here[0];
    const others = here.filter((row) => row !== first);
    if (!first || others.length === 0 || !device.measureByTurns) continue;
    const all = await turnsOf(device, subjects, [first, ...others], run);
    const timed = all ? [all] : await pairsOf(device, subjects, first, others, run);
    for (const row of timed.reverse().flat()) rows[rows.findIndex((r) => isSame(r, row))] = row;
  }
  return rows;
}

const isSame = (a: ProfileRow, b: ProfileRow) => a.subject === b.subject && placeOf(a) === placeOf(b);

async function pairsOf(
  device: Device,
  subjects: readonly Subject[],
  first: ProfileRow,
  others: readonly ProfileRow[],
  run: JobRun,
): Promise<ProfileRow[][]> {
  const pairs: ProfileRow[][] = [];
  for (const other of others) {
    const pair = others.length > 1 ? await turnsOf(device, subjects, [first, other], run) : null;
    pairs.push(pair ?? [withNote(other, `timed alone, not by turns with ${first.subject}`)]);
  }
  return pairs;
}

function withNote(row: ProfileRow, note: string): ProfileRow {
  const measured = row.measured!;
  return { ...row, measured: { ...measured, notes: [...measured.notes, note] } };
}

/** The same rows with what was measured in one page; null where the page did not do it. */
async function turnsOf(
  device: Device,
  subjects: readonly Subject[],
  rows: readonly [ProfileRow, ...ProfileRow[]],
  { signal, events }: JobRun,
): Promise<ProfileRow[] | null> {
  const [first, ...others] = rows;
  const subjectOf = ({ subject }: ProfileRow) => subjects.find(({ name }) => name === subject)!;
  const options = { signal, maxMs: 4000 * rows.length };
  const { measured: turns } = await step(
    events,
    `${device.name} ${placeOf(first)}`,
    () =>
      attempt(
        () => device.measureByTurns!([subjectOf(first), ...others.map(subjectOf)], first, options),
        signal,
      ),
    ({ measured }) =>
      `${rows.map((r) => r.subject).join(', ')} · ${measured ? `${measured[0]!.samplesMs.length} runs each, by turns` : 'not by turns'}`,
  );
  if (!turns) return null;
  return rows.map((row, i): ProfileRow => {
    const measured = timedByTurns(row.measured!, turns[i]!);
    if (i === 0) return { ...row, measured };
    const judged = compareLatency({ ...turns[0]!, byTurns: true }, { ...turns[i]!, byTurns: true });
    return { ...row, measured, against: { subject: first.subject, ...judged } };
  });
}

export const placeOf = ({ provider, threads }: Setting) =>
  threads > 1 ? `${provider} × ${threads}` : provider;

/** A device's providers that were asked for, those that the subject is made for first; one row says why if none is. */
function settingsOf(device: Device, subject: Subject, { provider: only, threads }: Asked): Setting[] {
  const asked = device.providers.filter((p) => !only || only.includes(p));
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

/** Sizes of open dimensions by symbol; 1 otherwise. */
type Dims = Readonly<Record<string, number>>;

function bundleSubjects({ manifest, files }: OpenedBundle, dims: Dims): Subject[] {
  const inputs = manifest.inputs.map(portOf);
  const outputs = manifest.outputs.map(portOf);
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
    ...{ inputs, outputs },
    feeds,
    sizes: { bytes: variant.bytes, brotliBytes: variant.brotliBytes },
  }));
}

function portOf({ name, dtype, shape }: Manifest['inputs'][number]): Port {
  if (!isDType(dtype)) throw unknownDtype(dtype, `"${name}"`);
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

/** A .tflite file as it is, for LiteRT.js in pages, and what onnxruntime is handed in the place of files that it doesn't open. */
async function modelSubjects(
  target: ModelInput,
  dims: Dims,
  choice: ModelChoice,
  run: JobRun,
): Promise<Subject[]> {
  const opened = await readModel(target, choice, run);
  const inputs = portsOf(opened.model);
  const { halfWeights, ...source } = opened.engineSource('path');
  const common = {
    ...{ providers: null, requires: [], sessionConfig: {}, inputs },
    feeds: syntheticInputs(inputs, { seed: 0, dims }),
  };
  const { format, name } = opened;
  const asOnnx: Subject = {
    ...common,
    name: format.extensions.includes('.ort') || namesOnnx(format) ? name : `${name} as ONNX`,
    parts: partsOf(opened, source),
    format: format.extensions.includes('.ort') ? 'ort' : 'onnx',
    halfWeights,
  };
  // Cut or given sizes, it is no longer what is in the file.
  if (format !== tfliteFormat) return [asOnnx];
  const files = opened.files.map(({ path, bytes }) => (path === null ? { bytes: bytes() } : { path }));
  const asItIs: Subject = {
    ...common,
    name,
    parts: [{ name, role: 'model', files }],
    format: 'litert',
    outputs: outputPortsOf(opened.model),
  };
  return [asItIs, asOnnx];
}

/** Whether an engine is handed a model of a format under that format's name. */
const namesOnnx = ({ id }: ModelFormat): boolean => id === 'onnx' || id === 'onnx-text';

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
