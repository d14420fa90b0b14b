import { describe, expect, it } from 'vitest';
import { latencyPairs } from '../../../src/judge/report/latency.ts';
import type { Report } from '../../../src/judge/report/report.ts';
import { speedNote, summaryRows } from '../../../src/judge/report/summary.ts';
import { compareLatency } from '../../../src/ship/profile/compare-runs.ts';
import { latency, metric, sampleReport } from './sample.ts';

const texts = (report: Report, level: 'bad' | 'warn') =>
  report.verdict.warnings.filter((w) => w.level === level).map((w) => w.text);
const base = sampleReport();
const compare = base.compare!;
const output = compare.outputs[0]!;
const data = base.data!;
const withOutput = (change: Partial<typeof output>) =>
  sampleReport({ evaluation: null, compare: { ...compare, outputs: [{ ...output, ...change }] } });
const withMetric = (m: ReturnType<typeof metric>) =>
  sampleReport({ evaluation: { ...base.evaluation!, metrics: [m] } });

describe('judge', () => {
  it('finds nothing wrong with a result that is smaller, faster and as accurate', () => {
    expect(base.verdict).toEqual({
      level: 'good',
      headline: '3.8 times smaller, top-1 82.0 % (was 82.3 %) on 400 images, 1.09 times as fast on wasm.',
      warnings: [],
    });
  });

  it('speaks of agreement where accuracy is not known', () => {
    const report = sampleReport({
      evaluation: null,
      data: { ...data, guessed: [], preprocessingGuessed: false },
    });
    expect(report.verdict.headline).toBe(
      '3.8 times smaller, same answer for 98.3 % of 400 images, 1.09 times as fast on wasm.',
    );
    expect(report.verdict.level).toBe('good');
  });

  it('calls a loss of more than one point bad, and a loss of exactly one point not', () => {
    expect(texts(withMetric(metric('top-1', 0.82, 0.81)), 'bad')).toEqual([]);
    expect(texts(withMetric(metric('top-1', 0.824, 0.801)), 'bad')).toEqual([
      'top-1 is worse by 2.3 points: 82.4 % before, 80.1 % after, on 400 images.',
    ]);
  });

  it('reads a metric the way it points: lower perplexity is no loss', () => {
    const perplexity = { ...metric('perplexity', 3, 2.9), unit: 'number' as const, higherIsBetter: false };
    const report = (after: number) =>
      sampleReport({ evaluation: { ...base.evaluation!, metrics: [{ ...perplexity, after }] } });
    expect(texts(report(2.9), 'bad')).toEqual([]);
    expect(texts(report(3.2), 'bad')).toEqual([
      'perplexity is worse by 0.200: 3.000 before, 3.200 after, on 400 images.',
    ]);
  });

  it('calls channels that went unseen bad above a few percent, until something was compared', () => {
    const step = (name: string, parameters: number) => ({
      ...{ name, parameters, sizeBytes: parameters, macs: null, latencyMs: null, metric: null, value: null },
    });
    const pruned = (left: number, change: Partial<Report> = {}) =>
      sampleReport({
        steps: [step('original', 1000), step('prune', left)],
        ...{ data: null, compare: null, evaluation: null, ...change },
      });
    expect(texts(pruned(500), 'bad')[0]).toMatch(/^50 % of the weights went with whole channels/);
    expect(texts(pruned(500), 'warn')[0]).toContain('there was no data');
    expect(texts(pruned(970), 'bad')).toEqual([]);
    expect(texts(pruned(500, { compare }), 'bad')).toEqual([]);
    expect(texts(pruned(500, { data }), 'bad')).toEqual([]);
    const probe = { kind: 'made-up', what: 'drawn pictures', samples: 32, choices: 8, fitted: true } as const;
    expect(texts(pruned(500, { compare, probe }), 'bad')[0]).toContain('chosen by made-up inputs');
    expect(texts(pruned(970, { compare, probe }), 'bad')).toEqual([]);
  });

  it('asks for labels only where a model scores classes', () => {
    const unused = { ...data, labelsUnused: 'no output of the model scores classes' };
    const said = (name: 'embedding' | 'classification') => {
      const task = { name, by: 'outputs' as const, evidence: '', outputs: [] };
      return texts(sampleReport({ data: unused, task }), 'warn').find((text) =>
        text.includes('beside the data'),
      );
    };
    expect(said('embedding')).toMatch(/scores classes\.$/);
    expect(said('classification')).toMatch(/Pass --labels\.$/);
  });

  it('warns under 97 % agreement and calls under 90 % bad', () => {
    expect(texts(withOutput({ top1Agreement: 0.96 }), 'warn')[0]).toMatch(/only 96\.0 % of 400 images/);
    expect(texts(withOutput({ top1Agreement: 0.85 }), 'bad')).toHaveLength(1);
  });

  it('does not call other answers bad where no fewer of them are right', () => {
    const learnt = (after: number, samples: number) =>
      sampleReport({
        evaluation: { ...base.evaluation!, samples, metrics: [metric('top-1', 0.82, after)] },
        compare: { ...compare, outputs: [{ ...output, top1Agreement: 0.85 }] },
      });
    expect(texts(learnt(0.83, 400), 'bad')).toEqual([]);
    expect(texts(learnt(0.83, 400), 'warn')[0]).toBe(
      'Gives the same answer as the original for only 85.0 % of 400 images, though top-1 is no worse.',
    );
    const worse = { ...metric('top-1', 0.82, 0.815), changeInterval: [-0.016, 0.006] as [number, number] };
    const lost = sampleReport({
      evaluation: { ...base.evaluation!, samples: 400, metrics: [worse] },
      compare: { ...compare, outputs: [{ ...output, top1Agreement: 0.85 }] },
    });
    expect(texts(lost, 'warn')[0]).toMatch(
      /though top-1 changes by only −0\.5 points \(95 % −1\.6 to \+0\.6\)\.$/,
    );
    expect(summaryRows(lost).find((row) => row.label === 'top-1')?.note).toBe(
      '−0.5 points (95 % −1.6 to +0.6)',
    );
    expect(texts(learnt(0.8, 400), 'bad')).toHaveLength(2);
    expect(texts(learnt(0.83, 40), 'bad')).toHaveLength(1);
  });

  it('warns of an output under 15 dB', () => {
    expect(texts(withOutput({ sqnrDb: 14.2 }), 'warn').join()).toMatch(/"logits".*14\.2 dB/);
  });

  it('calls NaN outputs bad, whether counted or only seen in the error', () => {
    expect(texts(withOutput({ nonFinite: 3 }), 'bad').join()).toMatch(/"logits" has NaN/);
    expect(texts(withOutput({ maxAbsError: null }), 'bad').join()).toMatch(/"logits" has NaN/);
  });

  it('says a slower result on the target is bad, and elsewhere a warning', () => {
    const timings = (provider: string) => [
      latency('before', 'this machine', provider, 1, 40),
      latency('after', 'this machine', provider, 1, 67),
    ];
    const onTarget = sampleReport({ latency: timings('wasm') });
    expect(texts(onTarget, 'bad')).toEqual([
      'Slower than the original: 66.7 ms instead of 39.8 ms (wasm, 1 thread, this machine).',
    ]);
    expect(onTarget.verdict.headline).toMatch(/but takes 1\.68 times as long on wasm\.$/);
    expect(texts(sampleReport({ latency: timings('cpu') }), 'warn')).toHaveLength(1);
  });

  it('does not call a difference slower that is inside the noise of the timings', () => {
    const noisy = (timing: ReturnType<typeof latency>) => ({
      ...timing,
      samplesMs: timing.samplesMs.map((ms, i) => ms * (i % 2 === 0 ? 0.7 : 1.3)),
    });
    const timings = [
      noisy(latency('before', 'this machine', 'wasm', 1, 40)),
      noisy(latency('after', 'this machine', 'wasm', 1, 43)),
    ];
    expect(compareLatency(timings[0]!, timings[1]!).change).toBe('unclear');
    expect(sampleReport({ latency: timings }).verdict.warnings).toEqual([]);
  });

  it('compares alternating runs with their neighbours: load that comes and goes hides no difference', () => {
    const load = (i: number) => (i % 7 < 3 ? 2 : 1);
    const turns = (timing: ReturnType<typeof latency>) => ({
      ...timing,
      samplesMs: timing.samplesMs.map((_, i) => timing.medianMs * load(i)),
    });
    const [before, after] = [
      turns(latency('before', 'this machine', 'wasm', 1, 44)),
      turns(latency('after', 'this machine', 'wasm', 1, 40)),
    ];
    expect(compareLatency(before, after).change).toBe('unclear');
    const byTurns = compareLatency({ ...before, byTurns: true }, { ...after, byTurns: true });
    expect(byTurns.change).toBe('faster');
    expect(byTurns.ratio).toBeCloseTo(before.medianMs / after.medianMs, 6);
  });

  it('calls nothing faster whose median is not: neighbours alone may say so on a machine under load', () => {
    // Of every three turns two are faster after; the third, hit by load, moves the median the other way.
    const before = { ...latency('before', 'this machine', 'wasm', 1, 1), byTurns: true };
    const after = { ...latency('after', 'this machine', 'wasm', 1, 1), byTurns: true };
    const turns = Array.from({ length: 99 }, (_, i) => i % 3);
    const pair = [
      { ...before, samplesMs: turns.map((i) => [1, 3, 2][i]!), medianMs: 2 },
      { ...after, samplesMs: turns.map((i) => [0.9, 2.7, 4][i]!), medianMs: 2.7 },
    ] as const;
    const { ratio, interval, change } = compareLatency(...pair);
    expect([ratio, interval[0]].every((r) => r > 1)).toBe(true);
    expect(change).toBe('unclear');
    expect(sampleReport({ latency: [...pair] }).verdict.headline).toContain(
      'speed on wasm too noisy to tell (2.00 ms before, 2.70 ms after)',
    );
  });

  it('calls nothing as fast whose runs leave room for three times as long', () => {
    const before = { ...latency('before', 'this machine', 'wasm', 1, 14), byTurns: true, medianMs: 14 };
    const after = { ...latency('after', 'this machine', 'wasm', 1, 41.3), byTurns: true, medianMs: 41.3 };
    const loaded = {
      ...after,
      samplesMs: before.samplesMs.map((ms, i) => ms * [0.8, 2.9, 0.9, 3.1, 1.05][i % 5]!),
    };
    const { change } = compareLatency(before, loaded);
    expect(change).toBe('unclear');
    expect(speedNote(compareLatency(before, loaded))).toBe('too noisy to tell which is faster');
    const { headline } = sampleReport({ latency: [before, loaded] }).verdict;
    expect(headline).toContain('too noisy to tell (14.0 ms before, 41.3 ms after)');
  });

  it('says that half floats are not for wasm, and nothing of it on WebGPU', () => {
    const layers = sampleReport().layers.map((l) => ({ ...l, precision: 'float16' as const }));
    const { target } = sampleReport();
    expect(texts(sampleReport({ layers }), 'warn').join()).toContain('--target webgpu');
    const onGpu = sampleReport({ layers, target: { ...target, name: 'webgpu' } });
    expect(texts(onGpu, 'warn').join()).not.toContain('Half floats');
  });

  it('says what float16 is trusted with where nothing was measured', () => {
    const layers = sampleReport().layers.map((l) => ({ ...l, precision: 'float16' as const, reason: null }));
    expect(texts(sampleReport({ layers, data: null }), 'warn').join()).toContain('65504');
    expect(texts(sampleReport({ layers }), 'warn').join()).not.toContain('65504');
  });

  it('says of a difference within noise that it is', () => {
    expect(speedNote({ ratio: 1.1, interval: [0.9, 1.3], change: 'same' })).toBe('as fast, within noise');
    expect(speedNote({ ratio: 0.9, interval: [0.85, 0.95], change: 'slower' })).toBe('1.11 times slower');
    const medians = { before: 549, after: 546 };
    expect(speedNote({ ratio: 1.04, interval: [1.02, 1.06], change: 'faster' }, medians)).toBe(
      "1.04 times faster (median of the runs' ratios)",
    );
    expect(
      speedNote({ ratio: 1.04, interval: [1.02, 1.06], change: 'faster' }, { before: 52, after: 50 }),
    ).toBe('1.04 times faster');
    expect(speedNote({ ratio: 1.001, interval: [0.9, 1.1], change: 'same' })).toBe('as fast');
  });

  it('never compares timings of different places', () => {
    const pairs = latencyPairs({
      ...base,
      latency: [
        latency('before', 'this machine', 'wasm', 1, 40),
        latency('after', 'this machine', 'wasm', 2, 20),
        { ...latency('after', 'this machine', 'wasm', 1, 20), emulated: true },
      ],
    });
    expect(pairs).toHaveLength(3);
    expect(pairs.filter((pair) => pair.before && pair.after)).toEqual([]);
  });

  it('says when the result is larger than the original', () => {
    const report = sampleReport({ result: { ...base.result, sizeBytes: 15e6 } });
    expect(texts(report, 'bad')).toEqual(['Larger than the original: 15.0 MB instead of 14.0 MB.']);
    expect(report.verdict.headline).toMatch(/^1\.07 times larger/);
  });

  it('says when nothing was compared', () => {
    const report = sampleReport({ data: null, compare: null, evaluation: null, latency: [] });
    expect(report.verdict.headline).toBe('3.8 times smaller, quality not measured.');
    expect(texts(report, 'warn').join()).toMatch(/Not compared/);
  });

  it('warns of synthetic data, few calibration and few comparison samples', () => {
    const synthetic = sampleReport({ data: { ...data, synthetic: true, kind: 'synthetic' } });
    expect(texts(synthetic, 'warn').join()).toMatch(/synthetic data/);
    const few = sampleReport({
      data: { ...data, calibrationSamples: 8 },
      compare: { ...compare, samples: 40 },
    });
    expect(texts(few, 'warn')).toEqual([
      'Calibrated on only 8 images; ranges settle at about 100. Add more to --data.',
      expect.stringMatching(
        /^Compared on only 40 images: the true agreement may be anything from 87 % to 100 %/,
      ),
    ]);
  });

  it('warns of guessed preprocessing unless it was tried beside others', () => {
    expect(base.verdict.warnings).toEqual([]);
    const guess = { ...data, preprocessingTrial: undefined };
    expect(texts(sampleReport({ data: guess }), 'warn').join()).toMatch(
      /"imagenet" was guessed, and no samples/,
    );
    const unlabelled = sampleReport({ evaluation: null, data: guess });
    expect(texts(unlabelled, 'warn').join()).toMatch(/"imagenet" was guessed, and without labels/);
  });

  it('puts bad news before warnings', () => {
    const report = sampleReport({
      data: { ...data, calibrationSamples: 8 },
      result: { ...base.result, sizeBytes: 15e6 },
      compare: { ...compare, outputs: [{ ...output, sqnrDb: 10 }] },
    });
    expect(report.verdict.warnings.map((w) => w.level)).toEqual(['bad', 'warn', 'warn']);
    expect(report.verdict.level).toBe('bad');
  });
});

it('says which sizes the arithmetic was counted with, and at which quality Brotli compressed', () => {
  const report = sampleReport();
  const macsAssumed = { sizes: ['batch'], onData: true };
  const source = { ...report.source, macsAssumed };
  const rows = summaryRows({ ...report, source, result: { ...report.result, brotliQuality: 9 } });
  const noteOf = (label: string) => rows.find((row) => row.label === label)?.note;
  expect(noteOf('MACs')).toBe('with batch = 1, 1 for sizes that depend on the data');
  expect(noteOf('brotli')).toMatch(/^quality 9 of 11/);
});
