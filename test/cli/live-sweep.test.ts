/** The line that says how far a sweep is. */
import { expect, it } from 'vitest';
import { progressLine } from '../../src/cli/live-sweep.ts';
import type { Board } from '../../src/jobs/sweep/board.ts';

const ansi = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

function lineOf(
  counts: ReturnType<Board['counts']>,
  estimatedMs: number | null,
  tookMs: number,
  running = 0,
): string {
  const board = {
    counts: () => counts,
    time: () => ({ estimatedMs, from: '', tookMs }),
    running: () => new Map(Array.from({ length: running }, (_, i) => [String(i), { step: '', since: 0 }])),
  } as unknown as Board;
  return progressLine(board).replace(ansi, '');
}

it('says what is left by the estimate at first, and by the pace once there is one', () => {
  expect(lineOf({ jobs: 20, done: 0, found: 0, failed: 0 }, 100_000, 10_000, 2)).toBe(
    `${'░'.repeat(20)}  0 of 20 done · 2 run · 10 s so far · about 90 s left`,
  );
  expect(lineOf({ jobs: 20, done: 9, found: 0, failed: 1 }, 100_000, 30_000, 2)).toBe(
    `${'█'.repeat(10)}${'░'.repeat(10)}  9 of 20 done · 2 run · 1 failed · 30 s so far · about 30 s left`,
  );
});

it('takes no pace from what was found', () => {
  expect(lineOf({ jobs: 20, done: 10, found: 10, failed: 0 }, null, 1000)).toBe(
    `${'█'.repeat(10)}${'░'.repeat(10)}  10 of 20 done (10 found) · 0 run · 1.0 s so far`,
  );
});

it('says that times are taken once all is made', () => {
  expect(lineOf({ jobs: 2, done: 2, found: 0, failed: 0 }, 1000, 9000, 1)).toMatch(/times are taken$/);
});
