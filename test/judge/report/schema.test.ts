import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { reportJsonSchema } from '../../../src/judge/report/json-schema.ts';
import { reportSchema } from '../../../src/judge/report/report.ts';
import { sampleReport } from './sample.ts';

const validate = new Ajv2020({ strict: false }).compile(reportJsonSchema());

describe('the JSON Schema', () => {
  it('accepts a report as it is written', () => {
    expect(validate(JSON.parse(JSON.stringify(sampleReport()))), JSON.stringify(validate.errors)).toBe(true);
  });

  it('accepts a report of a run without data', () => {
    const report = sampleReport({ data: null, compare: null, evaluation: null, latency: [], memory: null });
    expect(validate(JSON.parse(JSON.stringify(report)))).toBe(true);
  });

  it('refuses a report that lacks its verdict or has a text for a size', () => {
    const { verdict, ...rest } = sampleReport();
    expect(verdict.level).toBe('good');
    expect(validate(rest)).toBe(false);
    const { source, ...others } = sampleReport();
    expect(validate({ ...others, source: { ...source, sizeBytes: '14 MB' } })).toBe(false);
  });

  it('agrees with the zod schema that it is made from', () => {
    const report = sampleReport();
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });
});
