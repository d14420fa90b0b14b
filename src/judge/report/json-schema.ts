/** JSON Schemas of the reports, which the package publishes. */
import { z } from 'zod';
import { bundleReportSchema } from './bundle-report.ts';
import { checkReportSchema } from './check-report.ts';
import { reportSchema } from './report.ts';
import { sweepReportSchema } from './sweep-report.ts';

/** JSON Schema (draft 2020-12) of `Report`; unknown keys are allowed, so that older readers take newer reports. */
export function reportJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(reportSchema, { target: 'draft-2020-12', io: 'input' });
  return { $id: 'urn:edgepress:report:1', title: 'edgepress report', ...schema };
}

/** The same of `BundleReport`. */
export function bundleReportJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(bundleReportSchema, { target: 'draft-2020-12', io: 'input' });
  return { $id: 'urn:edgepress:bundle-report:1', title: 'edgepress report of a bundle', ...schema };
}

/** The same of `CheckReport`. */
export function checkReportJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(checkReportSchema, { target: 'draft-2020-12', io: 'input' });
  return { $id: 'urn:edgepress:check:1', title: 'edgepress check of budgets', ...schema };
}

/** The same of `SweepReport`. */
export function sweepReportJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(sweepReportSchema, { target: 'draft-2020-12', io: 'input' });
  return { $id: 'urn:edgepress:sweep-report:1', title: 'edgepress report of a sweep', ...schema };
}
