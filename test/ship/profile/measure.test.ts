import { describe, expect, it } from 'vitest';
import type { Session } from '../../../src/compute/engine/contract.ts';
import { measure, measureByTurns } from '../../../src/ship/profile/measure.ts';
import { median } from '../../../src/support/statistics.ts';

/** A session that does nothing but note its name when it is opened, run and closed. */
const recorder = (name: string, log: string[]) => async (): Promise<Session> => {
  log.push(`open ${name}`);
  return {
    inputs: [],
    outputs: [],
    run: async () => {
      log.push(name);
      return {};
    },
    close: async () => {
      log.push(`close ${name}`);
    },
  };
};

describe('measure', () => {
  it('counts neither the first run nor the warm-up, and closes the session', async () => {
    const log: string[] = [];
    const result = await measure(recorder('a', log), {}, { warmup: 2, minRepetitions: 4, maxRepetitions: 4 });
    expect(log).toEqual(['open a', ...new Array(1 + 2 + 4).fill('a'), 'close a']);
    expect(result.samplesMs).toHaveLength(4);
    expect(result.warmup).toBe(2);
  });

  it('gives median, p90 and least of its samples', async () => {
    const result = await measure(recorder('a', []), {}, { minRepetitions: 9, maxRepetitions: 9 });
    expect(result.medianMs).toBe(median(result.samplesMs));
    expect(result.minMs).toBe(Math.min(...result.samplesMs));
    expect(result.p90Ms).toBeGreaterThanOrEqual(result.medianMs);
    expect(result.intervalMs[0]).toBeLessThanOrEqual(result.medianMs);
    expect(result.intervalMs[1]).toBeGreaterThanOrEqual(result.medianMs);
  });

  it('takes three samples even when time is up at once', async () => {
    const result = await measure(recorder('a', []), {}, { maxMs: 0 });
    expect(result.samplesMs).toHaveLength(3);
  });

  it('stops as soon as the median is known well enough', async () => {
    const result = await measure(recorder('a', []), {}, { minRepetitions: 5, precision: Number.MAX_VALUE });
    expect(result.samplesMs).toHaveLength(5);
  });

  it('goes on for minMs, however well the median is known', async () => {
    const options = { minRepetitions: 1, precision: Number.MAX_VALUE, maxRepetitions: 1e6, minMs: 30 };
    const began = performance.now();
    await measure(recorder('a', []), {}, options);
    expect(performance.now() - began).toBeGreaterThanOrEqual(30);
  });

  it('stops at the signal and closes the session', async () => {
    const log: string[] = [];
    const abort = new AbortController();
    const open = async (): Promise<Session> => {
      const session = await recorder('a', log)();
      return {
        ...session,
        run: (feeds) => {
          if (log.length > 6) abort.abort();
          return session.run(feeds);
        },
      };
    };
    await expect(measure(open, {}, { signal: abort.signal, precision: 0 })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(log.at(-1)).toBe('close a');
  });

  it('closes the session when a run fails', async () => {
    const log: string[] = [];
    const open = async (): Promise<Session> => ({
      ...(await recorder('a', log)()),
      run: () => Promise.reject(new Error('boom')),
    });
    await expect(measure(open, {})).rejects.toThrow('boom');
    expect(log).toEqual(['open a', 'close a']);
  });
});

describe('measureByTurns', () => {
  it('begins each round with another of them, gives each as many samples, and closes all', async () => {
    const log: string[] = [];
    const candidates = ['a', 'b', 'c'].map((name) => ({ open: recorder(name, log), feeds: {} }));
    const options = { warmup: 0, minRepetitions: 4, maxRepetitions: 4 };
    const results = await measureByTurns(candidates, options);
    expect(log.slice(6, -3).join('')).toBe('abc' + 'bca' + 'cab' + 'abc');
    expect(log.slice(-3)).toEqual(['close c', 'close b', 'close a']);
    expect(results.map((r) => r.samplesMs.length)).toEqual([4, 4, 4]);
  });

  it('closes what is open when the last of them does not open', async () => {
    const log: string[] = [];
    const bad = { open: () => Promise.reject(new Error('no model')), feeds: {} };
    await expect(measureByTurns([{ open: recorder('a', log), feeds: {} }, bad])).rejects.toThrow('no model');
    expect(log.at(-1)).toBe('close a');
  });
});
