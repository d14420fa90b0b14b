import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../../src/judge/report/html.ts';
import { renderMarkdown } from '../../../src/judge/report/markdown.ts';
import { reportSchema } from '../../../src/judge/report/report.ts';
import { renderOutcome } from '../../../src/judge/report/terminal.ts';
import { type TrainingFacts, trainingSentence } from '../../../src/judge/report/training.ts';
import { sampleReport } from './sample.ts';

const training: TrainingFacts = {
  name: 'train',
  samples: 3636,
  validationSamples: 364,
  losses: ['distillation'],
  metric: 'agreement',
  before: 0.885,
  best: { epoch: 2, metric: 0.945 },
  epochs: [
    { epoch: 1, loss: 1.29, accuracy: null, learningRate: 2.6e-4, metric: 0.931 },
    { epoch: 2, loss: 0.524, accuracy: null, learningRate: 0, metric: 0.945 },
  ],
  stopped: 'finished',
  seconds: 438,
  settings: { epochs: 2, batch: 32 },
  idle: [],
};
const report = { ...sampleReport(), training: [training] };

describe('a report with training in it', () => {
  it('is valid by the schema', () => {
    expect(reportSchema.parse(report).training).toEqual([training]);
  });

  it('says in a sentence on how much it trained, and what that changed', () => {
    expect(trainingSentence(training)).toBe(
      'agreement 88.5 → 94.5 % on 364 held out · best after epoch 2 · 2 epochs on 3 636 samples · distillation · loss 1.29 → 0.524',
    );
    const text = renderOutcome(report, { colour: false, width: 100 });
    expect(text).toMatch(/trained +agreement 88\.5 → 94\.5 % on 364 held out · best after epoch 2/);
  });

  it('says which settings changed nothing, in every view', async () => {
    const idle = ['smoothing 0.1 changes nothing: no loss is computed from labels'];
    const told = { ...report, training: [{ ...training, idle }] };
    expect(reportSchema.parse(told).training?.[0]?.idle).toEqual(idle);
    expect(trainingSentence(told.training[0]!)).toMatch(/ · smoothing 0\.1 changes nothing: no loss is /);
    expect(renderOutcome(told, { colour: false, width: 400 })).toContain(idle[0]);
    expect(renderMarkdown(told)).toContain(idle[0]);
    expect(await renderHtml(told)).toContain(idle[0]);
  });

  it('leaves out a metric that was not measured', () => {
    const bare = { ...training, metric: null, before: null, best: null, validationSamples: 0 };
    expect(trainingSentence(bare)).toBe('2 epochs on 3 636 samples · distillation · loss 1.29 → 0.524');
  });

  it('has a row an epoch in Markdown, the kept one marked', () => {
    const text = renderMarkdown(report);
    expect(text).toContain('Training, train: agreement 88.5 → 94.5 % on 364 held out');
    expect(text).toContain('| 2 (kept) | 0.5240 | agreement 94.5 % | 0 |');
  });

  it('draws loss and metric in HTML, with the numbers beside them', async () => {
    const page = await renderHtml(report);
    expect(page).toContain('id="training-1-loss"');
    expect(page).toContain('id="training-1-metric"');
    expect(page).toContain('2 (kept)');
    const epochs = [training.epochs[0]!];
    const once = await renderHtml({ ...report, training: [{ ...training, metric: null, epochs }] });
    expect(once).toContain('1 epoch on');
    expect(once).not.toContain('id="training-1-');
  });

  it('has no such section when nothing was trained', async () => {
    expect(await renderHtml(sampleReport())).not.toContain('id="training-title"');
  });
});
