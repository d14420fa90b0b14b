/** Changes files and reads them, until time is up: each must be read, or refused with a coded error, in bounded time and memory. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { byteChanges, changed, changedJson, jsonChanges } from './mutate.ts';
import { createRunner, type Runner } from './runner.ts';
import { type Target, targets } from './targets.ts';

/** Files that once were a finding, by target; test/fuzz.test.ts reads each again. */
export const regressions = fileURLToPath(new URL('../../fixtures/fuzz', import.meta.url));

export interface Finding {
  readonly target: string;
  /** Of the minimised file. */
  readonly file: string;
  readonly what: string;
}

export interface FuzzOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Names; all by default. */
  readonly only?: readonly string[];
  /** Where minimised findings are kept. Default: `regressions`. */
  readonly folder?: string;
  /** What runs cases; a process of its own by default. */
  readonly runner?: Runner;
  readonly onFinding?: (finding: Finding) => void;
}

export interface FuzzResult {
  readonly cases: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** Targets take turns of a few seconds, at most, so that each has one. */
const mostTurnMs = 4000;

export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const names = options.only ?? Object.keys(targets);
  const runner = options.runner ?? createRunner();
  const findings: Finding[] = [];
  const cases: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
  const seeds = new Map<string, readonly Uint8Array[]>();
  for (const name of names) seeds.set(name, await targets[name]!.seeds());
  try {
    await runner.start();
    const totalMs = options.minutes * 60_000;
    const turnMs = Math.min(mostTurnMs, totalMs / names.length);
    const end = Date.now() + totalMs;
    for (let turn = 0; Date.now() < end; turn++) {
      const name = names[turn % names.length]!;
      const left = Math.min(turnMs, end - Date.now());
      const found = await takeTurn(name, seeds.get(name)!, runner, {
        seed: options.seed + turn,
        ms: left,
        count: () => cases[name]!++,
      });
      // The same error in other files is one finding.
      if (!found || findings.some((one) => one.target === name && place(one.what) === place(found.what)))
        continue;
      const file = keep(options.folder ?? regressions, name, found.bytes);
      const finding = { target: name, file, what: found.what };
      findings.push(finding);
      options.onFinding?.(finding);
    }
  } finally {
    runner.close();
  }
  return { cases, findings };
}

/** What tells one error from another: its first lines, without numbers. */
const place = (what: string) => what.split('\n').slice(0, 3).join('\n').replace(/\d+/g, '#');

interface Turn {
  readonly seed: number;
  readonly ms: number;
  readonly count: () => void;
}

async function takeTurn(
  name: string,
  files: readonly Uint8Array[],
  runner: Runner,
  { seed, ms, count }: Turn,
) {
  const target = targets[name]!;
  let last: { bytes: Uint8Array; what: string } | null = null;
  const property = fc.asyncProperty(caseOf(target, files), async (bytes) => {
    count();
    const outcome = await runner.run({ target: name, bytes });
    if (outcome.kind === 'fine') return true;
    last = { bytes, what: outcome.what };
    return false;
  });
  const details = await fc.check(property, {
    ...{ seed, numRuns: 1_000_000, interruptAfterTimeLimit: ms, markInterruptAsFailure: false },
    skipAllAfterTimeLimit: ms + 30_000,
  });
  return details.failed ? (last as { bytes: Uint8Array; what: string } | null) : null;
}

function caseOf({ form }: Target, files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const file = fc.constantFrom(...files);
  return form === 'json'
    ? fc.tuple(file, jsonChanges).map(([bytes, changes]) => changedJson(bytes, changes))
    : fc.tuple(file, byteChanges).map(([bytes, changes]) => changed(bytes, changes));
}

function keep(folder: string, target: string, bytes: Uint8Array): string {
  const place = join(folder, target);
  const name = `${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.bin`;
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, name), bytes);
  return join(place, name);
}
