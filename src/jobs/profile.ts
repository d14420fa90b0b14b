/** `profile`: how fast the variants of a bundle, or one model, are on devices of this machine. */

import { join } from 'node:path';
import type { ModelInput } from '../model/formats/open-file.ts';
import type { BundleMeasurement, Manifest, Variant } from '../ship/emit/manifest.ts';
import { createStage } from '../ship/emit/write.ts';
import { manifestFile, openBundle, readManifest } from '../ship/lab/bundle.ts';
import {
  type BrowserKind,
  browserVariable,
  debianPackages,
  findBrowser,
  findBrowsers,
} from '../ship/profile/browsers.ts';
import { type Profile, type ProfileRow, parseDevice } from '../ship/profile/device.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { browserMissing, nothingMeasured } from '../support/diagnostics/devices.ts';
import { parseRequest } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { shownUrl } from '../support/url.ts';
import { measuredOn } from './profile-rows.ts';
import { bundleSubjects, dimsOf, isBundle, modelSubjects } from './profile-subjects.ts';
import { type JobRun, type RunOptions, separated } from './progress.ts';
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

/** @throws UNKNOWN_DEVICE and BROWSER_MISSING before anything is measured; NOTHING_MEASURED when no row could be;
 *    BUNDLE_NOT_FOUND, BUNDLE_UNREADABLE, what reading a model throws; OUTPUT_UNWRITABLE */
export async function profileOn(target: ModelInput, request: ProfileRequest, run: JobRun): Promise<Profile> {
  for (const name of request.device) checkDevice(name);
  const bundle = isBundle(target) ? openBundle(target) : null;
  if (bundle) refuseChoice(request);
  const dims = dimsOf(request);
  const subjects = bundle
    ? bundleSubjects(bundle, dims)
    : modelSubjects(await readModel(target, request, run), dims);
  const devices: Profile['devices'][number][] = [];
  const rows: ProfileRow[] = [];
  for (const name of new Set(request.device)) {
    const measured = await measuredOn(name, subjects, request, run);
    devices.push(measured.device);
    rows.push(...measured.rows);
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

/** @throws OPTION_WITHOUT_EFFECT: the variants of a bundle are made */
function refuseChoice({ outputs, layout, sizes, fix }: ModelChoice): void {
  if (outputs) throw optionWithoutEffect('--outputs', 'a model, where a bundle was given');
  if (layout) throw optionWithoutEffect('--layout', 'a model, where a bundle was given');
  if (sizes) throw optionWithoutEffect('--sizes', 'a model, where a bundle was given');
  if (fix) throw optionWithoutEffect('--fix', 'a model, where a bundle was given');
}

/** @throws UNKNOWN_DEVICE, BROWSER_MISSING */
export function checkDevice(name: string): void {
  const { kind } = parseDevice(name);
  if (kind === 'node' || kind === 'wasm' || findBrowser(kind)) return;
  const missing: BrowserKind = kind;
  throw browserMissing(missing, findBrowsers(), browserVariable(missing), debianPackages(missing));
}

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
