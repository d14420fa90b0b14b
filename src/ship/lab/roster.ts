/** Who has joined and what they have sent; the rules of the protocol without the network.
 *  The join token lasts as long as the lab. Every device gets its own session key for it; a result is taken once, only
 *  from a known device that has not finished, and only for what the bundle holds. */

import { labRefused } from '../../support/diagnostics/lab.ts';
import type { Manifest } from '../emit/manifest.ts';
import { againstOf } from '../profile/compare-runs.ts';
import type {
  DeviceFacts,
  DoneRun,
  JoinReply,
  JoinRequest,
  LeftOut,
  Message,
  Outcome,
  Run,
  Turns,
} from './messages.ts';
import { placeKey, runKey } from './naming.ts';
import { createSecret, hashSecret, isSecret } from './token.ts';

export interface LabDevice {
  readonly id: number;
  readonly joinedAt: string;
  readonly facts: DeviceFacts;
  readonly plan: readonly Run[];
  readonly left: readonly LeftOut[];
  readonly done: ReadonlyMap<string, DoneRun>;
  /** What it is at; null between two runs. */
  readonly current: Run | null;
  readonly finishedAt: string | null;
}

export interface LabEvent {
  readonly type: 'joined' | 'resumed' | 'planned' | 'started' | 'measured' | 'compared' | 'finished';
  readonly device: LabDevice;
  readonly run?: Run;
  readonly outcome?: Outcome;
}

export interface Roster {
  readonly token: string;
  readonly devices: readonly LabDevice[];
  /** @throws LAB_TOKEN, LAB_FULL */
  join(request: JoinRequest): JoinReply;
  /** @throws LAB_SESSION for a key that nobody has */
  find(session: string): LabDevice;
  /** @throws LAB_SESSION, LAB_FINISHED, LAB_REPEATED, LAB_MESSAGE (what the bundle does not hold, or too many) */
  take(session: string, message: Message): void;
}

interface RosterOptions {
  readonly manifest: Manifest;
  readonly runtime: string;
  readonly maxDevices: number;
  readonly onEvent?: (event: LabEvent) => void;
  readonly now?: () => Date;
}

interface Entry {
  hash: Buffer;
  id: number;
  joinedAt: string;
  facts: DeviceFacts;
  plan: readonly Run[];
  left: readonly LeftOut[];
  done: Map<string, DoneRun>;
  starts: Map<string, number>;
  current: Run | null;
  finishedAt: string | null;
}

/** Starts and results of 64 runs, each tried a few times, with room for repeated plans. */
const maxStarts = 10;

export function createRoster({
  manifest,
  runtime,
  maxDevices,
  onEvent,
  now = () => new Date(),
}: RosterOptions): Roster {
  const token = createSecret();
  const tokenHash = hashSecret(token);
  const entries: Entry[] = [];
  const byHash = new Map<string, Entry>();
  const lookUp = (session: string) => {
    const entry = byHash.get(hashSecret(session).toString('hex'));
    return entry && isSecret(session, entry.hash) ? entry : undefined;
  };
  const tell = (type: LabEvent['type'], device: Entry, more: Pick<LabEvent, 'run' | 'outcome'> = {}) =>
    onEvent?.({ type, device, ...more });
  const reply = (entry: Entry, session: string): JoinReply => ({
    session,
    id: entry.id,
    finished: entry.finishedAt !== null,
    done: [...entry.done.values()],
    starts: Object.fromEntries(entry.starts),
    manifest,
    runtime,
  });

  function add(facts: DeviceFacts): JoinReply {
    if (entries.length >= maxDevices)
      throw labRefused('LAB_FULL', `This lab takes ${maxDevices} devices, and so many have joined.`);
    const session = createSecret();
    const entry: Entry = {
      hash: hashSecret(session),
      id: entries.length + 1,
      joinedAt: now().toISOString(),
      facts,
      plan: [],
      left: [],
      done: new Map(),
      starts: new Map(),
      current: null,
      finishedAt: null,
    };
    entries.push(entry);
    byHash.set(entry.hash.toString('hex'), entry);
    tell('joined', entry);
    return reply(entry, session);
  }

  /** Only what a page may run of this bundle. @throws LAB_MESSAGE */
  function checkRun(run: Run): void {
    const variant = manifest.variants.find((v) => v.name === run.variant);
    if (!variant?.providers.includes(run.provider))
      throw labRefused('LAB_MESSAGE', `The bundle has no variant "${run.variant}" for ${run.provider}.`);
  }

  function start(entry: Entry, run: Run): void {
    const key = runKey(run);
    if (entry.done.has(key)) throw labRefused('LAB_REPEATED', `${key} has been reported already.`);
    const starts = (entry.starts.get(key) ?? 0) + 1;
    if (starts > maxStarts) throw labRefused('LAB_MESSAGE', `${key} was begun more than ${maxStarts} times.`);
    entry.starts.set(key, starts);
    entry.current = run;
    tell('started', entry, { run });
  }

  /** What was measured alone stays where runs by turns say nothing of it: loading, and the first run. */
  function compare(entry: Entry, { runs, samplesMs }: Turns): void {
    const [first, ...others] = runs as [Run, ...Run[]];
    const keys = new Set(runs.map(runKey));
    const lengths = new Set(samplesMs.map((samples) => samples.length));
    const fits = keys.size === samplesMs.length && lengths.size === 1 && keys.size === runs.length;
    const known = runs.map((run) => entry.done.get(runKey(run)));
    const onePlace = runs.every((run) => placeKey(run) === placeKey(first));
    if (!fits || !onePlace || known.some((done) => done?.outcome.kind !== 'measured'))
      throw labRefused('LAB_MESSAGE', 'Only what was measured at one place can have taken turns there.');
    if (known.slice(1).some((done) => done?.against))
      throw labRefused('LAB_REPEATED', `${runKey(others[0]!)} has taken turns already.`);
    const isBase = [...entry.done.values()].some(
      ({ run, against }) => against?.variant === first.variant && placeKey(run) === placeKey(first),
    );
    for (const [i, done] of known.entries()) {
      const { run, outcome } = done!;
      // Of several pairs the first one's samples stand for what is in all of them.
      if (outcome.kind !== 'measured' || (i === 0 && isBase)) continue;
      const against = i === 0 ? null : againstOf(first.variant, samplesMs[0]!, samplesMs[i]!);
      entry.done.set(runKey(run), {
        run,
        outcome: { ...outcome, samplesMs: samplesMs[i]! },
        ...(against ? { against } : {}),
      });
    }
    tell('compared', entry, { run: first });
  }

  function take(entry: Entry, message: Message): void {
    if (entry.finishedAt !== null)
      throw labRefused('LAB_FINISHED', 'This device has finished; scan the code again to measure once more.');
    if (message.type === 'plan') {
      message.runs.forEach(checkRun);
      entry.plan = message.runs;
      entry.left = message.left;
      tell('planned', entry);
      return;
    }
    if (message.type === 'finish') {
      entry.finishedAt = now().toISOString();
      entry.current = null;
      tell('finished', entry);
      return;
    }
    if (message.type === 'turns') {
      compare(entry, message);
      return;
    }
    const { run } = message;
    const key = runKey(run);
    if (!entry.plan.some((planned) => runKey(planned) === key))
      throw labRefused('LAB_MESSAGE', `${key} is not in this device's plan.`);
    if (message.type === 'start') {
      start(entry, run);
      return;
    }
    if (entry.done.has(key)) throw labRefused('LAB_REPEATED', `${key} has been reported already.`);
    entry.done.set(key, { run, outcome: message.outcome });
    entry.current = null;
    tell('measured', entry, { run, outcome: message.outcome });
  }

  const known = (session: string) => {
    const entry = lookUp(session);
    if (!entry) throw labRefused('LAB_SESSION', 'This lab does not know this device; scan the code again.');
    return entry;
  };

  return {
    token,
    devices: entries,
    join({ token: given, session, device }) {
      if (!isSecret(given, tokenHash))
        throw labRefused(
          'LAB_TOKEN',
          'The link is not for this lab: its token is wrong. Scan the code again.',
        );
      const entry = session === null ? undefined : lookUp(session);
      if (!entry || session === null) return add(device);
      tell('resumed', entry);
      return reply(entry, session);
    },
    find: known,
    take: (session, message) => take(known(session), message),
  };
}
