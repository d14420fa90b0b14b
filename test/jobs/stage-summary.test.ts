import { describe, expect, it } from 'vitest';
import { passes } from '../../src/compress/compress.ts';
import { precisionSummary, stageSummary } from '../../src/jobs/stage-summary.ts';

const exact = (name: string, changed: number) => ({ name, effect: 'exact' as const, changed });
const facts = { opset: 17, layers: [] };

describe('stageSummary', () => {
  it('says what passes did in words, the most telling first', () => {
    const done = [exact('infer-shapes', 37), exact('upgrade-opset', 10), exact('fuse-conv-batchnorm', 19)];
    expect(stageSummary(done, facts)).toBe('upgraded to opset 17 · 19 BatchNormalizations folded');
  });

  it('adds up a pass that ran twice, and knows one from many', () => {
    const done = [exact('fuse-conv-add', 1), exact('fuse-conv-mul', 1), exact('fuse-conv-add', 2)];
    expect(stageSummary(done, facts)).toBe('1 factor folded · 3 biases folded');
  });

  it('says so when nothing was to be done', () => {
    expect(stageSummary([exact('fold-constants', 0), exact('infer-shapes', 4)], facts)).toBe('nothing to do');
  });

  it('says by layers what a lossy pass did', () => {
    const layers = [
      { opType: 'Conv', precision: 'int8' as const },
      { opType: 'Conv', precision: 'int8' as const },
      { opType: 'Gemm', precision: 'int8-weights' as const },
    ];
    const done = [{ name: 'quantize-static', effect: 'lossy' as const, changed: 24 }];
    expect(stageSummary(done, { opset: 17, layers })).toBe('2 Conv in int8 · 1 Gemm with weights in int8');
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

  it('names a pass that it has no words for', () => {
    expect(stageSummary([exact('fuse-everything', 2)], facts)).toBe('fuse everything 2');
  });

  it('has words for every exact pass that there is', () => {
    const unsaid = [...passes.values()]
      .filter((pass) => pass.effect === 'exact')
      .filter(({ name }) => stageSummary([exact(name, 2)], facts) === `${name.replaceAll('-', ' ')} 2`);
    expect(unsaid.map((pass) => pass.name)).toEqual([]);
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
