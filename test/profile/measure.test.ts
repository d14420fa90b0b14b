import { describe, expect, it } from 'vitest';
import type { Session } from '../../src/engine/contract.ts';
import { measure, measureTwo, medianInterval } from '../../src/profile/measure.ts';
import { createRandom } from '../../src/support/random.ts';
import { median } from '../../src/support/statistics.ts';

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

describe('measureTwo', () => {
  it('runs the two by turns, changing who goes first', async () => {
    const log: string[] = [];
    const result = await measureTwo(
      { open: recorder('a', log), feeds: {} },
      { open: recorder('b', log), feeds: {} },
      { warmup: 0, minRepetitions: 4, maxRepetitions: 4 },
    );
    const counted = log.slice(4, -2);
    expect(counted).toEqual(['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']);
    expect(log.slice(-2)).toEqual(['close b', 'close a']);
    expect(result.before.samplesMs).toHaveLength(4);
    expect(result.after.samplesMs).toHaveLength(4);
  });

  it('gives the median of the ratios of neighbouring runs', async () => {
    const options = { minRepetitions: 7, maxRepetitions: 7 };
    const candidate = { open: recorder('a', []), feeds: {} };
    const { before, after, speedup, speedupInterval } = await measureTwo(candidate, candidate, options);
    const ratios = before.samplesMs.map((ms, i) => ms / after.samplesMs[i]!);
    expect(speedup).toBe(median(ratios));
    expect(speedupInterval).toEqual(medianInterval(ratios));
  });
});

describe('medianInterval', () => {
  it('is the whole range for few samples', () => {
    expect(medianInterval([3, 1, 2])).toEqual([1, 3]);
    expect(medianInterval([5])).toEqual([5, 5]);
  });

  it('contains the true median of a skewed distribution about 95 times in 100', () => {
    // Exponential with mean 1: median ln 2. 2000 trials of 41 samples; 3 standard errors of a 95 % rate are 1.5 %.
    const random = createRandom(7);
    let hits = 0;
    for (let i = 0; i < 2000; i++) {
      const samples = Array.from({ length: 41 }, () => -Math.log(1 - random.next()));
      const [low, high] = medianInterval(samples);
      if (low <= Math.LN2 && Math.LN2 <= high) hits++;
    }
    expect(hits / 2000).toBeGreaterThan(0.935);
    expect(hits / 2000).toBeLessThan(0.99);
  });
});
