import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../../src/judge/report/html.ts';
import { renderMarkdown } from '../../../src/judge/report/markdown.ts';
import type { Report } from '../../../src/judge/report/report.ts';
import { stepRemarks, stepTable } from '../../../src/judge/report/steps.ts';
import { renderOutcome } from '../../../src/judge/report/terminal.ts';
import { sampleReport } from './sample.ts';

type Step = NonNullable<Report['steps']>[number];

const at = (name: string, change: Partial<Step> = {}): Step => ({
  name,
  sizeBytes: 2_000_000,
  parameters: 500_000,
  macs: 30_000_000,
  metric: 'accuracy',
  value: 0.9,
  latencyMs: 12.5,
  ...change,
});
const report = (...names: string[]) => ({ ...sampleReport(), steps: names.map((name) => at(name)) });

describe('the model step by step', () => {
  it('has a row a step in the terminal, in Markdown and in HTML, and the reason for their order', async () => {
    const full = report('original', 'prune', 'distil', 'int8');
    const text = renderOutcome(full, { colour: false, width: 80 });
    expect(text).toMatch(/^ {2}step +file +parameters +MACs +accuracy +latency$/m);
    expect(text).toMatch(/^ {2}distil +2\.00 MB +500 k +30\.0 M +90\.0 % +12\.5 ms$/m);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const markdown = renderMarkdown(full);
    expect(markdown).toContain('| distil | 2.00 MB | 500 k | 30.0 M | 90.0 % | 12.5 ms |');
    expect(markdown).toContain('Pruned first, so that training repairs what pruning broke; int8 last');
    const page = await renderHtml(full);
    expect(page).toContain('Step by step');
    expect(page).toContain('Pruned first');
  });

  it('says what a step has to say', async () => {
    const note = 'ended early: round 4 of 5 lost 4.95 points of accuracy, where 1 may go';
    const told = { ...sampleReport(), steps: [at('original'), at('prune', { note })] };
    const sentence = 'Prune ended early: round 4 of 5 lost 4.95 points of accuracy, where 1 may go.';
    expect(renderOutcome(told, { colour: false, width: 80 }).replace(/\s+/g, ' ')).toContain(sentence);
    expect(renderMarkdown(told)).toContain(sentence);
    expect(await renderHtml(told)).toContain(sentence);
  });

  it('says what MACs take for sizes that are open', () => {
    const { source } = sampleReport();
    const macsAssumed = { sizes: ['batch', 'seq'], onData: false };
    const remark = stepRemarks({ steps: [at('original'), at('prune')], source: { ...source, macsAssumed } });
    expect(remark).toBe('MACs with batch = 1, seq = 1.');
  });

  it('leaves out what was measured nowhere, and marks what is missing in one row', () => {
    const none = { metric: null, value: null, latencyMs: null };
    expect(stepTable([at('original', none), at('prune', none)]).head).toEqual([
      'step',
      'file',
      'parameters',
      'MACs',
    ]);
    const { rows } = stepTable([at('original'), at('prune', { latencyMs: null })]);
    expect(rows[1]?.at(-1)).toBe('–');
  });

  it('is silent where there was no step', async () => {
    expect(renderMarkdown(sampleReport())).not.toContain('Step by step');
    expect(await renderHtml(sampleReport())).not.toContain('Step by step');
  });

  it.each<readonly [string[], RegExp | null]>([
    [['original', 'prune'], null],
    [['original', 'finetune'], null],
    [['original', 'prune', 'distil'], /^Pruned first, so that training repairs what pruning broke\.$/],
    [
      ['original', 'student', 'distil', 'int8'],
      /^Int8 last, so that its scales fit the weights that are left\.$/,
    ],
  ])('gives the reason for the order %j', (names, expected) => {
    const reason = stepRemarks({ steps: names.map((name) => at(name)), source: sampleReport().source });
    if (expected) expect(reason).toMatch(expected);
    else expect(reason).toBeNull();
  });
});
