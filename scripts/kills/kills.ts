/** Kills commands at random moments and starts them again, as a user would: in the end there must be the files of a run that
 *  nobody killed, and nothing besides. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, type Random } from '../../src/support/random.ts';
import { differences } from './compare.ts';
import type { Job } from './jobs.ts';
import { type Ended, type Kill, makePlace, type Place, start, victims } from './run.ts';
import { listing } from './tree.ts';

export interface KillsOptions {
  /** main.js of a build. */
  readonly program: string;
  readonly jobs: Readonly<Record<string, Job>>;
  readonly times: number;
  readonly seed: number;
  /** Told of each series when it has ended. */
  readonly onSeries?: (line: string) => void;
}

export interface Tally {
  readonly job: string;
  /** Starts that were killed, and among them those that a checkpoint was there of. */
  kills: number;
  withCheckpoint: number;
  /** Series of kills that ended with a whole run. */
  series: number;
  /** Seconds of a run that nobody killed. */
  seconds: number;
  readonly findings: string[];
}

/** In one series the same run is killed so often at most. */
const mostInSeries = 4;

export async function kills({ program, jobs, times, seed, onSeries }: KillsOptions): Promise<Tally[]> {
  const all = Object.entries(jobs);
  const tallies: Tally[] = [];
  for (const [i, [name, job]] of all.entries()) {
    const tally = { job: name, kills: 0, withCheckpoint: 0, series: 0, seconds: 0, findings: [] };
    tallies.push(tally);
    const top = mkdtempSync(join(tmpdir(), 'k-'));
    try {
      const share = Math.floor(times / all.length) + (i < times % all.length ? 1 : 0);
      const random = createRandom(seed + i);
      await killJob({ ...{ program, job, top, random, share, tally }, onSeries: onSeries ?? (() => {}) });
    } finally {
      rmSync(top, { recursive: true, force: true });
    }
  }
  return tallies;
}

interface JobRun {
  readonly program: string;
  readonly job: Job;
  readonly top: string;
  readonly random: Random;
  readonly share: number;
  readonly tally: Tally;
  readonly onSeries: (line: string) => void;
}

async function killJob({ program, job, top, random, share, tally, onSeries }: JobRun): Promise<void> {
  const whole = makePlace(top, `${tally.job}-whole`, 'w');
  job.prepare(whole.work);
  const reference = await start(program, job.args, whole);
  if (reference.code !== 0) throw new Error(`${tally.job} fails by itself:\n${reference.stderr}`);
  tally.seconds = reference.ms / 1000;
  tally.findings.push(...remains(whole).map((what) => `nobody killed it: ${what}`));
  while (tally.kills < share) {
    const place = makePlace(top, `${tally.job}-${tally.series}`, 'k');
    job.prepare(place.work);
    const said: string[] = [];
    const found: string[] = [];
    const wanted = Math.min(1 + random.integer(mostInSeries), share - tally.kills);
    for (let k = 0; k < wanted; k++) {
      const kill = nextKill(job, place, reference.ms, random);
      const hadCheckpoint = checkpointIn(place);
      const run = await start(program, job.args, place, kill);
      if (hadCheckpoint) found.push(...notResumed(run));
      said.push(`${kill.victim} after ${Math.round(run.ms)} ms`);
      found.push(...run.left.map((one) => `lives on: ${one}`));
      // It was done before: what counts is how often it was killed.
      if (!run.killed) continue;
      tally.kills++;
      if (checkpointIn(place)) tally.withCheckpoint++;
    }
    const hadCheckpoint = checkpointIn(place);
    const last = await start(program, job.args, place);
    if (last.code !== 0) found.push(`the run after it fails (${last.code}): ${last.stderr.slice(-400)}`);
    if (hadCheckpoint) found.push(...notResumed(last));
    found.push(...last.left.map((one) => `lives on: ${one}`));
    found.push(...differences(whole.work, place.work), ...remains(place));
    tally.series++;
    const story = `${place.run}: killed ${said.join(', ')}`;
    tally.findings.push(...found.map((what) => `${story}: ${what}`));
    onSeries(`${story}: ${found.length === 0 ? 'the same files' : found.join('; ')}`);
    rmSync(place.top, { recursive: true, force: true });
  }
}

/** A fourth of the kills come in the first two seconds, of the others those of trainings after a checkpoint. */
function nextKill(job: Job, place: Place, wholeMs: number, random: Random): Kill {
  const victim = victims[random.integer(victims.length)]!;
  const [early, moment] = [random.next() < 0.25, random.next()];
  if (early || job.met === 'at its start') return { victim, afterMs: moment * Math.min(2000, wholeMs) };
  return job.met === 'after a checkpoint'
    ? { victim, afterMs: moment * 0.3 * wholeMs, isReached: () => checkpointIn(place) }
    : { victim, afterMs: moment * wholeMs };
}

const checkpoints = (place: Place) => join(place.work, '.edgepress-checkpoints');

const checkpointIn = (place: Place): boolean =>
  existsSync(checkpoints(place)) &&
  readdirSync(checkpoints(place), { recursive: true, encoding: 'utf8' }).some((name) =>
    name.endsWith('checkpoint.safetensors'),
  );

/** A whole run that had a checkpoint says that it goes on from there. */
const notResumed = ({ code, stderr }: Ended): string[] =>
  code === 0 && !stderr.includes('goes on from its checkpoint') ? ['its checkpoint was passed over'] : [];

/** What a series leaves besides its results. */
const remains = (place: Place): string[] => [
  ...listing(place.temporary).map((name) => `${name} stays among temporary files`),
  ...listing(place.cache)
    .filter((name) => name.endsWith('.tmp'))
    .map((name) => `${name} stays in the cache`),
];
