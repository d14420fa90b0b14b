import { describe, expect, it } from 'vitest';
import { precisionSummary, stageSummary, trialSummary } from '../../../src/judge/report/stage-summary.ts';

const done = (name: string, effect: 'exact' | 'lossy', changed: number) => ({ name, effect, changed });

describe('stageSummary', () => {
  it('puts together what passes say', () => {
    const said = [
      { pass: 'upgrade-opset', text: 'upgraded to opset 17' },
      { pass: 'fuse-conv-add', text: '1 bias folded' },
    ];
    const passes = [done('fuse-conv-add', 'exact', 1), done('upgrade-opset', 'exact', 10)];
    expect(stageSummary({ passes, said }, [])).toBe('upgraded to opset 17 · 1 bias folded');
  });

  it('says so when nothing was to be done', () => {
    const passes = [done('fold-constants', 'exact', 0), done('infer-shapes', 'exact', 4)];
    expect(stageSummary({ passes, said: [] }, [])).toBe('nothing to do');
  });

  it('says by layers what a lossy pass did', () => {
    const layers = [
      { opType: 'Conv', precision: 'int8' as const },
      { opType: 'Conv', precision: 'int8' as const },
      { opType: 'Gemm', precision: 'int8-weights' as const },
    ];
    const stage = { passes: [done('quantize-static', 'lossy', 24)], said: [] };
    expect(stageSummary(stage, layers)).toBe('2 Conv in int8 · 1 Gemm with weights in int8');
  });

  it('says what weights are stored in where that is narrower than what computes', () => {
    const conv = { opType: 'Conv', precision: 'int8' as const };
    const layers = [
      { opType: 'Gemm', precision: 'int8-weights' as const, weights: 'int4' as const },
      { ...conv, weights: 'int4' as const },
      conv,
      { ...conv, weights: 'int4' as const },
    ];
    expect(precisionSummary(layers)).toBe(
      '2 Conv in int8 with weights in int4 · 1 Conv in int8 · 1 Gemm with weights in int4',
    );
  });
});

it('precisionSummary counts op types by what became of them', () => {
  const layers = [
    { opType: 'MatMul', precision: 'float' as const },
    { opType: 'Conv', precision: 'int8' as const },
    { opType: 'Gemm', precision: 'int8' as const },
  ];
  expect(precisionSummary(layers)).toBe('1 Conv, 1 Gemm in int8 · 1 MatMul left in float');
});

describe('trialSummary', () => {
  it('says what was taken, and how near outputs stay with each', () => {
    const candidates = [
      { name: 'mse', sqnrDb: 20.92 },
      { name: 'absolute', sqnrDb: null },
      { name: 'minmax', sqnrDb: 25 },
    ];
    expect(trialSummary({ taken: 'minmax', candidates })).toBe(
      'minmax: outputs at 25.0 dB (mse 20.9, absolute not finite)',
    );
  });
});
