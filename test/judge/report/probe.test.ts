/** Without samples held back, what a probe found stands in every view, red where it is bad. */
import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../../src/judge/report/html.ts';
import { renderMarkdown } from '../../../src/judge/report/markdown.ts';
import { type Report, reportSchema } from '../../../src/judge/report/report.ts';
import { renderHeader, renderOutcome } from '../../../src/judge/report/terminal.ts';
import { measured } from '../../../src/judge/task/measure.ts';
import { sampleReport } from './sample.ts';

const base = sampleReport();
const probe = { kind: 'made-up', what: 'smooth pictures in 0…1', samples: 32 } as const;
const on = (same: number, change: Partial<Report> = {}, sqnrDb = same < 1 ? 3 : 30) =>
  sampleReport({
    ...{ data: null, evaluation: null, probe },
    compare: {
      ...base.compare!,
      ...{ samples: 32, measures: [measured('same-top-1', same)], disagreements: [] },
      outputs: base.compare!.outputs.map((output) => ({ ...output, sqnrDb })),
    },
    ...change,
  });
const flat = (text: string) => text.replace(/\s+/g, ' ');
const plain = { colour: false, width: 80 };
const terminal = (report: Report) => flat(renderHeader(report, plain) + renderOutcome(report, plain));

describe('a result that was compared on made-up inputs', () => {
  it('is red in all views where the model is destroyed', async () => {
    const report = on(0.03);
    const bad = 'Gives the same answer as the original for only 3.0 % of 32 made-up inputs.';
    expect(report.verdict.level).toBe('bad');
    expect(report.verdict.headline).toContain('same answer for 3.0 % of 32 made-up inputs');
    expect(terminal(report)).toContain(`✖ ${bad}`);
    expect(renderMarkdown(report)).toContain(`❌ ${bad}`);
    const page = await renderHtml(report);
    expect(page).toContain('<p class="badge bad">');
    expect(page).toMatch(/class="bad"><strong>Problem:<\/strong> Gives the same/);
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report))).probe).toEqual(probe);
  });

  it('is not red where answers change, but what is behind them hardly does: such inputs are of no class', () => {
    expect(on(0.85, {}, 34).verdict.level).toBe('warn');
    expect(on(0.85, {}, 9).verdict.level).toBe('bad');
  });

  it('is red by its noise where nothing else stands for the task', () => {
    const noisy = (sqnrDb: number) => {
      const { compare } = on(1, {}, sqnrDb);
      return sampleReport({
        ...{ data: null, evaluation: null, probe },
        compare: { ...compare!, measures: [measured('sqnr', sqnrDb)] },
      }).verdict.level;
    };
    expect([noisy(4), noisy(12), noisy(30)]).toEqual(['bad', 'warn', 'warn']);
  });

  it('says what such inputs can’t tell, and where they are from, but is not red where the answers are the same', () => {
    const report = on(1);
    expect(report.verdict.level).toBe('warn');
    expect(report.verdict.warnings).toHaveLength(1);
    expect(terminal(report)).toContain('nothing of its accuracy. Pass --data to know.');
    expect(terminal(report)).toContain('data none; compared on smooth pictures in 0…1');
    expect(renderMarkdown(report)).toContain('data: none; compared on smooth pictures in 0…1');
  });
});

it('calls perplexity on shipped text by its name, and red where it is worse', () => {
  const perplexity = { name: 'perplexity', unit: 'number', higherIsBetter: false, interval: null } as const;
  const read = (after: number) =>
    on(0.95, {
      probe: { kind: 'text', what: 'text that ships with edgepress (16 windows)', samples: 16 },
      evaluation: {
        ...{ task: 'language', samples: 16, tokens: 2032, runtime: 'wasm' },
        metrics: [{ ...perplexity, before: 34.9, after }],
      },
    });
  const [worse, same] = [read(56.2), read(34.8)];
  expect(worse.verdict.headline).toContain('perplexity 56.20 (was 34.90) on 16 pieces of shipped text');
  expect(worse.verdict.level).toBe('bad');
  // As many tokens show that what it says otherwise is no worse.
  expect(same.verdict.level).toBe('warn');
});
