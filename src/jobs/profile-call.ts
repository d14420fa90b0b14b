/** The call behind `compress profile`: how fast models are, on devices of this machine. */
import type { ModelInput } from '../model/formats/open-file.ts';
import type { Profile } from '../ship/profile/device.ts';
import { parseRequest } from '../support/parse-request.ts';
import { profile as measure } from './profile.ts';
import { type JobRun, type RunOptions, separated } from './progress.ts';
import { type ProfileRequest, type ProfileRequestInit, profileRequest } from './requests/profile.ts';

export type ProfileOptions = ProfileRequestInit & RunOptions;

/** Measures speed and memory of a bundle's variants, or of one model, in Node, browsers and emulated phones. A bundle's
 *  manifest keeps what was measured.
 *  @param target  the folder of a bundle; or a model: a path, bytes or an open model
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
  const { given, run } = separated(options);
  const request = parseRequest(profileRequest, given);
  return { report: await profileOn(target, request, run) };
}

/** @throws what profile of a path throws */
export function profileOn(target: ModelInput, request: ProfileRequest, run: JobRun): Promise<Profile> {
  const { device, provider, threads, throughput, dim = [] } = request;
  const { signal, events } = run;
  return measure({
    target,
    devices: device,
    threads,
    ...(provider ? { providers: provider } : {}),
    ...(throughput ? { throughput } : {}),
    dims: Object.fromEntries(dim.map(({ name, size }) => [name, size])),
    ...(signal ? { signal } : {}),
    events,
  });
}
