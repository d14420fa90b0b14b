import { describe, expect, it } from 'vitest';
import { budgetDoubt, chanceDoubt, measureLossInterval } from '../../../src/judge/report/few-samples.ts';
import { renderHtml } from '../../../src/judge/report/html.ts';
import { renderMarkdown } from '../../../src/judge/report/markdown.ts';
import { reportSchema } from '../../../src/judge/report/report.ts';
import { renderOutcome } from '../../../src/judge/report/terminal.ts';
import { judge } from '../../../src/judge/report/verdict.ts';
import { measured } from '../../../src/judge/task/measure.ts';
import { sampleReport } from './sample.ts';

const top1 = (before: number | null, after: number) => ({
  ...({ name: 'top-1 accuracy', unit: 'fraction', higherIsBetter: true, interval: null } as const),
  ...{ before, after },
});
const on = (samples: number, before: number | null, after: number, classes = 4) =>
  chanceDoubt({ samples, classes, metrics: [top1(before, after)] });

describe('accuracy that may be chance', () => {
  it('is said with what is right and what guessing gets', () => {
    expect(on(16, 0.25, 0.25)).toMatch(/original gets 4 of 16 right.*4 classes gets 25\.0 %/);
    expect(on(16, null, 0.25)).toMatch(/^The model gets 4 of 16 right/);
  });

  it('is not said where guessing hardly gets as many right', () => {
    expect(on(16, 0.75, 0.75)).toBeNull();
    expect(on(1000, 0.14, 0.14, 10)).toBeNull();
  });

  it('is said of the result alone where the original knows its labels', () => {
    expect(on(16, 0.9375, 0.25)).toMatch(/^The result gets 4 of 16 right/);
  });

  it('is not said of what is no accuracy, nor where classes are not counted', () => {
    const r2 = { ...top1(0.1, 0.1), name: 'R²' };
    expect(chanceDoubt({ samples: 16, classes: 4, metrics: [r2] })).toBeNull();
    expect(chanceDoubt({ samples: 16, metrics: [top1(0.25, 0.25)] })).toBeNull();
  });
});

const loss = { name: 'top-1 accuracy', allowed: 1, lost: 0, samples: 16 };

describe('a budget that is kept on few samples', () => {
  it('is doubted with the interval where that goes beyond it', () => {
    expect(budgetDoubt({ ...loss, interval: [-19.4, 19.4] })).toMatch(/16 samples.*−19\.4 to \+19\.4 points/);
  });

  it('is not doubted where the interval ends within it, nor where it is not kept', () => {
    expect(budgetDoubt({ ...loss, samples: 5000, interval: [-0.3, 0.4] })).toBeNull();
    expect(budgetDoubt({ ...loss, lost: 3, interval: [-5, 11] })).toBeNull();
  });

  it('is doubted without an interval, too, but not on many samples', () => {
    expect(budgetDoubt({ ...loss, interval: null })).not.toBeNull();
    expect(budgetDoubt({ ...loss, interval: null, samples: 500 })).toBeNull();
  });

  it('counts answers that are the original’s in an interval of Wilson', () => {
    // statsmodels: proportion_confint(16, 16, method='wilson') = 0.8064, 1.
    expect(measureLossInterval(measured('same-top-1', 1), 16)![1]).toBeCloseTo(19.36, 1);
    expect(measureLossInterval(measured('mean-iou', 1), 16)).toBeNull();
  });
});

it('stands in every view of a report', async () => {
  const base = sampleReport();
  const evaluation = { ...base.evaluation!, samples: 16, classes: 4, metrics: [top1(0.25, 0.25)] };
  const budget = { ...loss, interval: [-19.4, 19.4] as [number, number] };
  const changed = { ...base, evaluation, budget };
  const report = { ...changed, verdict: judge(changed) };
  const flat = (text: string) => text.replace(/\s+/g, ' ');
  const views = [
    flat(renderOutcome(report, { colour: false, width: 80 })),
    renderMarkdown(report),
    await renderHtml(report),
    JSON.stringify(reportSchema.parse(report)),
  ];
  for (const view of views)
    for (const words of ['4 of 16 right', '−19.4 to +19.4 points']) expect(view).toContain(words);
});
