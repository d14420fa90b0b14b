/** What a check looks like where continuous integration shows it; names come from files, and may be anything. */
import { spawnSync } from 'node:child_process';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { checkAnnotations } from '../../../src/judge/report/check-annotations.ts';
import { renderCheckJunit } from '../../../src/judge/report/check-junit.ts';
import { renderCheckMarkdown } from '../../../src/judge/report/check-markdown.ts';
import type { CheckReport, CheckRow } from '../../../src/judge/report/check-report.ts';
import { headlineOf, measuredText, sentenceOf } from '../../../src/judge/report/check-words.ts';
import { checkReportJsonSchema } from '../../../src/judge/report/json-schema.ts';

const size: CheckRow = {
  ...{ budget: 'maxSize', subject: null, on: null, reason: null, interval: null, status: 'kept' },
  allowed: { unit: 'share', value: 0.5 },
  measured: { unit: 'share', value: 0.25 },
  value: { unit: 'bytes', value: 1e6 },
  base: { unit: 'bytes', value: 4e6 },
};
const drop: CheckRow = {
  ...{ budget: 'maxDrop', subject: 'top-1 accuracy', on: '1000 samples', reason: null, interval: null },
  status: 'exceeded',
  allowed: { unit: 'points', value: 1 },
  measured: { unit: 'points', value: 1.02 },
  value: { unit: 'share', value: 0.9 },
  base: { unit: 'share', value: 0.9102 },
};
const odd = 'a"b<c>&\n%:,|`@me`';
const untimed: CheckRow = {
  ...{ ...size, budget: 'maxLatency', subject: odd, measured: null, value: null, base: null },
  ...{ status: 'not-measured', reason: `there is no ${odd}` },
};

const report = (...rows: CheckRow[]): CheckReport => ({
  ...{ schema: 'edgepress/check@1', tool: { name: 'edgepress', version: '1.2.3' } },
  ...{ createdAt: '2026-11-30T00:00:00.000Z', model: 'net.onnx', guessed: [] },
  against: { kind: 'model', name: 'base.onnx' },
  kept: rows.every(({ status }) => status === 'kept'),
  rows,
});
const against = report().against;

describe('a row of a check in words', () => {
  it('says what is beyond a budget with as many digits as tell it from the budget', () => {
    expect(measuredText(drop)).toBe('−1.02 points (91.0 % → 90.0 %)');
    const one = { ...size, status: 'exceeded', value: null, base: null } as const;
    const bytes = (value: number) => ({ unit: 'bytes', value }) as const;
    expect(measuredText({ ...one, allowed: bytes(4e6), measured: bytes(4_000_001) })).toBe('4 000 001 B');
    expect(measuredText({ ...one, allowed: bytes(4e6), measured: bytes(5e6) })).toBe('5.00 MB');
  });

  it('says in a sentence what was asked for, and of whom', () => {
    expect(sentenceOf({ ...size, status: 'exceeded' }, against)).toBe(
      'File size is 25.0 % (4.00 MB → 1.00 MB); at most 50 % of the original was asked for.',
    );
    expect(sentenceOf(drop, { kind: 'report', name: 'r.json' })).toMatch(
      /at most 1 point less than the earlier/,
    );
  });

  it('tells a share of neighbouring runs from that of the medians beside it', () => {
    const timed: CheckRow = { ...size, budget: 'maxLatency', subject: 'wasm', interval: [0.2, 0.3] };
    const ms = (value: number) => ({ unit: 'ms', value }) as const;
    expect(measuredText({ ...timed, value: ms(10), base: ms(40) })).toBe('25.0 % (40.0 ms → 10.0 ms)');
    expect(measuredText({ ...timed, value: ms(11), base: ms(40) })).toBe(
      '25.0 % run by run (medians 40.0 ms → 11.0 ms)',
    );
  });

  it('counts budgets in the headline', () => {
    expect(headlineOf(report(size))).toBe('The budget is kept.');
    expect(headlineOf(report(size, size))).toBe('Both budgets are kept.');
    expect(headlineOf(report(drop, drop))).toBe('Neither of 2 budgets is kept.');
    expect(headlineOf(report(size, drop, untimed))).toBe('2 of 3 budgets are not kept.');
  });
});

describe('a check', () => {
  it('is a table in Markdown that no name breaks out of', () => {
    const markdown = renderCheckMarkdown(report(size, drop, untimed));
    expect(markdown).toMatch(/^### ❌ 2 of 3 budgets are not kept\.\n/);
    const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(row.split('|')).toHaveLength(7);
    expect(markdown).not.toMatch(/@me|<c>/);
    expect(markdown.trimEnd()).toMatch(/<!-- made by edgepress -->$/);
  });

  it('is lines for GitHub of what is not kept, with its escapes', () => {
    const [first, second, ...more] = checkAnnotations(report(size, drop, untimed));
    expect(first).toBe(
      '::error title=net.onnx%3A top-1 accuracy::Top-1 accuracy is −1.02 points (91.0 %25 → 90.0 %25); at most 1 point less than the original was asked for.',
    );
    expect(second).toContain('title=net.onnx%3A latency on a"b<c>&%0A%25%3A%2C|`@me`::Latency on');
    expect(second).not.toContain('\n');
    expect(more).toEqual([]);
  });

  const python = spawnSync('python3', ['--version']).status === 0;

  it.skipIf(!python)('is XML that another program reads (skipped: no Python)', () => {
    const script = `
import json, sys, xml.etree.ElementTree as E
root = E.fromstring(sys.stdin.buffer.read())
print(json.dumps({'suites': root.attrib, 'cases': [[c.get('name'), [[k.tag, k.get('message')] for k in c]] for c in root.iter('testcase')]}))`;
    const input = renderCheckJunit(report(size, drop, untimed));
    const { stdout, stderr } = spawnSync('python3', ['-c', script], { input, encoding: 'utf8' });
    expect(stderr).toBe('');
    const read = JSON.parse(stdout);
    expect(read.suites).toMatchObject({ tests: '3', failures: '1', errors: '1' });
    const [first, second, third] = read.cases;
    expect(first).toEqual(['file size at most 50 %', [['system-out', null]]]);
    expect(second[1][0]).toEqual(['failure', sentenceOf(drop, against)]);
    // Line ends in attributes are spaces to XML.
    expect(third[1][0]).toEqual(['error', sentenceOf(untimed, against).replaceAll('\n', ' ')]);
  });

  it('is what its JSON Schema allows', () => {
    const validate = new Ajv2020({ strict: false }).compile(checkReportJsonSchema());
    expect(validate(report(size, drop, untimed)), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...report(size), kept: 'yes' })).toBe(false);
  });
});

describe('a budget that is kept on too few samples to be sure', () => {
  const doubt = 'Top-1 accuracy keeps its budget on these 16 samples, which are too few to be sure.';
  const row: CheckRow = {
    ...drop,
    ...{ status: 'kept', measured: { unit: 'points', value: 0 }, interval: [-19.4, 19.4], doubt },
    ...{ value: { unit: 'share', value: 0.75 }, base: { unit: 'share', value: 0.75 } },
  };

  it('says its interval beside what was measured', () => {
    expect(measuredText(row)).toBe('±0.0 points (75.0 % → 75.0 %), 95 % −19.4 to +19.4');
  });

  it('is doubted in every view, and fails none', () => {
    const checked = report(row);
    expect(checked.kept).toBe(true);
    expect(renderCheckMarkdown(checked)).toContain('⚠️ kept, unsure');
    expect(renderCheckMarkdown(checked)).toContain('16 samples');
    expect(renderCheckJunit(checked)).toContain('failures="0"');
    expect(renderCheckJunit(checked)).toContain(doubt);
    expect(checkAnnotations(checked)).toEqual([expect.stringMatching(/^::warning .*16 samples/)]);
  });
});
