/** Rows of a profile: subjects on one device, each alone first, then by turns. */

import { againstOf } from '../ship/profile/compare-runs.ts';
import type { Device, ProfileRow, Provider, Setting, Subject } from '../ship/profile/device.ts';
import { timedByTurns } from '../ship/profile/device.ts';
import { openDevice } from '../ship/profile/open-device.ts';
import { visitOf } from '../ship/profile/visit.ts';
import { attempt } from './attempt.ts';
import { type JobRun, step } from './progress.ts';
import type { ProfileRequest } from './requests/profile.ts';

/** What of a request the measuring itself sees. */
interface Asked extends Pick<ProfileRequest, 'threads' | 'throughput'> {
  readonly provider?: readonly Provider[] | undefined;
}

/** @throws UNKNOWN_DEVICE, BROWSER_MISSING, BROWSER_LAUNCH, ENGINE_MISSING */
export async function measuredOn(
  name: string,
  subjects: readonly Subject[],
  asked: Asked,
  run: JobRun,
): Promise<{ device: Pick<Device, 'name' | 'title' | 'emulated'>; rows: ProfileRow[] }> {
  const device = await openDevice(name, neededProviders(subjects, asked));
  try {
    const { title, emulated } = device;
    const alone = await measureOn(device, subjects, asked, run);
    const rows = await takeTurns(device, subjects, alone, run);
    return { device: { name, title, emulated }, rows: rows.map(withVisit(device, subjects)) };
  } finally {
    await device.close();
  }
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

/** WebGPU takes setting up: only where something might run on it. */
const neededProviders = (subjects: readonly Subject[], { provider }: Asked): Provider[] => {
  const wanted = subjects.flatMap((s): readonly Provider[] => s.providers ?? ['wasm', 'webgpu', 'cpu']);
  return [...new Set(wanted)].filter((p) => !provider || provider.includes(p));
};

/** Latencies are measured again by turns. */
const beforeTurns = { maxMs: 1500 };

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
      const ask = { throughput, signal, ...(subjects.length > 1 ? beforeTurns : {}) };
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

/** Measured again by turns, those of one place in one page or process, so that other load and heat hit all alike; what a first
 *  visit costs stays what each said alone. Where not all fit, by pairs with the one that they are compared with.
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
    if (!first || others.length === 0) continue;
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
    const [one, two] = pair ?? [];
    pairs.push(
      one && two
        ? [one, withNote(two, `by turns with ${first.subject} alone: not all variants could be open at once`)]
        : [withNote(other, `timed alone, not by turns with ${first.subject}`)],
    );
  }
  return pairs;
}

function withNote(row: ProfileRow, note: string): ProfileRow {
  const measured = row.measured!;
  return { ...row, measured: { ...measured, notes: [...measured.notes, note] } };
}

/** The same rows with what was measured in one page or process; null where it did not do it. */
async function turnsOf(
  device: Device,
  subjects: readonly Subject[],
  rows: readonly [ProfileRow, ...ProfileRow[]],
  { signal, events }: JobRun,
): Promise<ProfileRow[] | null> {
  const [first, ...others] = rows;
  const subjectOf = ({ subject }: ProfileRow) => subjects.find(({ name }) => name === subject)!;
  const options = { signal, maxMs: 4000 * rows.length, warmupMs: 300 };
  const { measured: turns } = await step(
    events,
    `${device.name} ${placeOf(first)}`,
    () =>
      attempt(
        () => device.measureByTurns([subjectOf(first), ...others.map(subjectOf)], first, options),
        signal,
      ),
    ({ measured }) =>
      `${rows.map((r) => r.subject).join(', ')} · ${measured ? `${measured[0]!.samplesMs.length} runs each, by turns` : 'not by turns'}`,
  );
  if (!turns) return null;
  return rows.map((row, i): ProfileRow => {
    const { samplesMs } = turns[i]!;
    const against = i === 0 ? null : againstOf(first.subject, turns[0]!.samplesMs, samplesMs);
    return { ...row, measured: timedByTurns(row.measured!, turns[i]!, against) };
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
