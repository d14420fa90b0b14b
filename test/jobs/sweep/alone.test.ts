import { expect, it } from 'vitest';
import { createTurns } from '../../../src/jobs/sweep/queue/alone.ts';

/** Work that tells when it begins and ends by hand. */
function started() {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => () =>
    new Promise<void>((resolve) => {
      log.push(name);
      ends.set(name, resolve);
    });
  const end = async (name: string) => {
    ends.get(name)!();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { log, work, end };
}

it('lets nothing go on beside what has to be alone, and nothing pass it', async () => {
  const { together, alone } = createTurns();
  const { log, work, end } = started();
  for (const name of ['a', 'b']) together(work(name));
  alone(work('time'));
  together(work('c'));
  await Promise.resolve();
  await end('a');
  expect(log).toEqual(['a', 'b']);
  await end('b');
  expect(log).toEqual(['a', 'b', 'time']);
  await end('time');
  expect(log).toEqual(['a', 'b', 'time', 'c']);
});

it('goes on after work that failed', async () => {
  const { together, alone } = createTurns();
  await expect(alone(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await together(async () => 1)).toBe(1);
});
