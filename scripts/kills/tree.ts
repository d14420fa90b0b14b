/** The processes of one run, found by a mark in their environment or by who started them. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** When it began, as the system says it: numbers are given out again. */
  readonly began: string;
}

const mark = 'EDGEPRESS_KILLS_RUN';
export const marked = (run: string) => ({ [mark]: run });

interface Row extends Process {
  readonly dead: boolean;
}

function rows(): Row[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart='], { encoding: 'utf8' });
  return text.split('\n').flatMap((line) => {
    const [, pid, parent, state, began] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+)$/.exec(line) ?? [];
    return pid
      ? [{ pid: Number(pid), parent: Number(parent), dead: state!.startsWith('Z'), began: began! }]
      : [];
  });
}

/** Those that live, of a process and all that it started. */
export function treeOf(top: number): Process[] {
  const all = rows();
  const found = new Set([top]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid, dead }) => found.has(pid) && !dead);
}

/** Those that live: of `known`, and of those that bear the run's mark, where the system shows it. */
export function livingOf(run: string, known: readonly Process[]): Process[] {
  const wanted = `${mark}=${run}\0`;
  return rows().filter(
    (row) =>
      !row.dead &&
      (known.some(({ pid, began }) => pid === row.pid && began === row.began) ||
        environmentOf(row.pid).includes(wanted)),
  );
}

function environmentOf(pid: number): string {
  try {
    return `${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`;
  } catch {
    return '';
  }
}

/** What a process is, for a finding. */
export function described({ pid }: Process): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 120)}`;
  } catch {
    return String(pid);
  }
}

/** Names of what lies in a folder, all depths; empty where there is none. */
export function listing(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  } catch {
    return [];
  }
}
