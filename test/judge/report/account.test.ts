import { describe, expect, it } from 'vitest';
import {
  type Account,
  type AccountRow,
  keptTexts,
  storedAs,
  unintendedShare,
} from '../../../src/judge/report/account.ts';
import { renderHtml } from '../../../src/judge/report/html.ts';
import { renderMarkdown } from '../../../src/judge/report/markdown.ts';
import { renderOutcome } from '../../../src/judge/report/terminal.ts';
import { judge } from '../../../src/judge/report/verdict.ts';
import { sampleReport } from './sample.ts';

const row = (change: Partial<AccountRow>): AccountRow => ({
  form: 'float',
  role: 'weight',
  dtype: 'float32',
  reason: null,
  isUnintended: false,
  constants: 1,
  elements: 1000,
  bytes: 4000,
  operators: { Conv: 1 },
  names: ['w'],
  ...change,
});

const account = (...rows: AccountRow[]): Account => ({
  bytes: rows.reduce((n, r) => n + r.bytes, 0),
  rows,
  asked: ['int8'],
});

const compressed = row({ form: 'int8', dtype: 'int8', elements: 1000, bytes: 1000 });
const unknown = row({
  role: 'unknown',
  reason: "unknown-operator: edgepress doesn't know what acme:Blend reads",
  isUnintended: true,
  elements: 3000,
  bytes: 12_000,
  operators: { 'acme:Blend': 3 },
});
const excluded = row({ reason: 'excluded', elements: 9000, bytes: 36_000 });

describe('weights that stayed in float', () => {
  it('are a warning before all others that are no worse, where the request would have had them smaller', () => {
    const report = sampleReport({ account: account(compressed, unknown) });
    const [first] = judge(report).warnings;
    expect(first?.level).toBe('warn');
    for (const part of ['75 %', '12.0 kB', '3 of acme:Blend']) expect(first?.text).toContain(part);
  });

  it('are none where the user excluded them', () => {
    expect(unintendedShare(account(compressed, excluded))).toBe(0);
    expect(judge(sampleReport({ account: account(compressed, excluded) })).warnings).toEqual([]);
  });

  it('count by their number, not by the bytes that are left of the others', () => {
    const few = { ...unknown, elements: 100, bytes: 400 };
    expect(unintendedShare(account(compressed, few))).toBeCloseTo(100 / 1100);
    expect(judge(sampleReport({ account: account(compressed, few) })).warnings).toEqual([]);
  });

  it('stand in every view with their reason', () => {
    const report = sampleReport({ account: account(compressed, unknown, excluded) });
    const views = [renderOutcome(report, { colour: false, width: 200 }), renderMarkdown(report)];
    for (const view of views) {
      expect(view).toMatch(/3 of acme:Blend/);
      expect(view).toMatch(/unknown operator/);
      expect(view).toMatch(/excluded/);
    }
  });

  it('stand in the page beside the areas of the layers', async () => {
    const html = await renderHtml(sampleReport({ account: account(compressed, unknown) }));
    expect(html).toMatch(/acme:Blend/);
    expect(html).toMatch(/each once/);
  });
});

describe('a model that nothing was done to', () => {
  it('is told so first', () => {
    const { warnings, level } = judge(
      sampleReport({ precision: { mode: 'none', summary: '' }, stages: [], account: undefined }),
    );
    expect(level).toBe('warn');
    expect(warnings[0]?.text).toContain('--int8');
  });

  it('is named with what its weights are already', () => {
    expect(keptTexts(account(row({ form: 'float16', dtype: 'float16', bytes: 2000 })))).toEqual([
      '1 of Conv, 2.00 kB: float16 already',
    ]);
    expect(keptTexts(account(row({ form: 'other', role: 'setting', dtype: 'int64' })))).toEqual([
      '4.00 kB shapes, indices, limits',
    ]);
  });

  it('tells rows apart that differ in their type alone', () => {
    const as = (form: AccountRow['form'], dtype: string) => storedAs(row({ form, dtype }));
    expect([as('int8', 'int8'), as('int8', 'uint8'), as('int4', 'uint8'), as('float', 'float64')]).toEqual([
      'int8',
      'int8 (uint8)',
      '4 bits (uint8)',
      'float64',
    ]);
  });
});
