/** One start of the program in folders of its own, which may be killed. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { described, livingOf, marked, type Process, treeOf } from './tree.ts';

/** Folders of one series of starts: what it works in, its temporary files, its cache. */
export interface Place {
  readonly run: string;
  readonly top: string;
  readonly work: string;
  readonly temporary: string;
  readonly cache: string;
}

/** @param name  short, as all names are: a browser makes a socket among the temporary files, whose path has little room */
export function makePlace(within: string, run: string, name: string): Place {
  const top = join(within, name);
  const place = { run, top, work: join(top, 'work'), temporary: join(top, 't'), cache: join(top, 'cache') };
  for (const folder of [place.work, place.temporary, place.cache]) mkdirSync(folder, { recursive: true });
  return place;
}

/** Which of the processes get SIGKILL: all of them, only the command that was typed, or only the one that does its work. */
export const victims = ['all', 'command', 'worker'] as const;
export type Victim = (typeof victims)[number];

export interface Kill {
  readonly victim: Victim;
  /** From the start, or from when `isReached` holds. */
  readonly afterMs: number;
  readonly isReached?: () => boolean;
}

export interface Ended {
  /** null: killed. */
  readonly code: number | null;
  readonly stderr: string;
  readonly ms: number;
  /** Whether the kill came in time. */
  readonly killed: boolean;
  /** Processes that lived on. */
  readonly left: readonly string[];
}

/** What is left has this long to notice that its parent is gone. */
const patienceMs = 15_000;

export async function start(
  program: string,
  args: readonly string[],
  { run, work, temporary, cache }: Place,
  kill?: Kill,
): Promise<Ended> {
  const begun = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    cwd: work,
    env: {
      ...process.env,
      ...marked(run),
      ...{ NODE_OPTIONS: '', TMPDIR: temporary, XDG_CACHE_HOME: cache, NO_COLOR: '1' },
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let [stderr, ended] = ['', false];
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const end = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      ended = true;
      resolve(code);
    });
  });
  let tree: Process[] = [];
  if (kill) {
    while (!ended && kill.isReached?.() === false) await wait(20);
    await Promise.race([end, wait(kill.afterMs)]);
    if (!ended) tree = killed(child.pid!, kill.victim);
  }
  const code = await end;
  const left = await leftAlive(run, tree);
  return { code, stderr, ms: performance.now() - begun, killed: tree.length > 0, left };
}

function killed(top: number, victim: Victim): Process[] {
  const tree = treeOf(top);
  const chosen = tree.filter(
    ({ pid, parent }) => victim === 'all' || (victim === 'command' ? pid : parent) === top,
  );
  for (const { pid } of chosen.length > 0 ? chosen : tree)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  return tree;
}

async function leftAlive(run: string, tree: readonly Process[]): Promise<string[]> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const living = livingOf(run, tree);
    if (living.length === 0) return [];
    if (performance.now() > end) {
      const found = living.map(described);
      for (const { pid } of living) process.kill(pid, 'SIGKILL');
      return found;
    }
    await wait(100);
  }
}
