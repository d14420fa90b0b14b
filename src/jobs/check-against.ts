/** What `check` checks a model against: the original, or what the report of an earlier result says. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Report, reportSchema } from '../judge/report/report.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { reportUnreadable } from '../support/diagnostics/check.ts';
import { isUrl } from '../support/url.ts';
import type { JobRun } from './progress.ts';
import { type ModelChoice, readModel } from './read-model.ts';

export type Base =
  | { readonly kind: 'model'; readonly name: string; readonly model: OpenedModel; readonly sizeBytes: number }
  | { readonly kind: 'report'; readonly name: string; readonly report: Report; readonly sizeBytes: number };

/** @throws REPORT_UNREADABLE for another report, or one that was changed; what reading a model throws */
export async function openBase(file: string, choice: ModelChoice, run: JobRun): Promise<Base> {
  const found = isUrl(file) ? null : readReport(file);
  if (found)
    return { kind: 'report', name: basename(file), report: found, sizeBytes: found.result.sizeBytes };
  const model = await readModel(file, choice, run);
  return { kind: 'model', name: model.name, model, sizeBytes: model.sizeBytes };
}

/** null for what is no report of ours: a model, TensorFlow.js's in JSON among them, or nothing at all. */
function readReport(file: string): Report | null {
  const content = /\.json$/i.test(file) ? parsed(file) : null;
  const { schema } = (content ?? {}) as { schema?: unknown };
  if (typeof schema !== 'string' || !schema.startsWith('edgepress/')) return null;
  if (schema !== reportSchema.shape.schema.value)
    throw reportUnreadable(file, `its schema is "${schema}", not "${reportSchema.shape.schema.value}"`);
  const read = reportSchema.safeParse(content);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw reportUnreadable(file, `${issue?.path.join('.') ?? ''}: ${issue?.message}`, read.error);
}

/** null where reading it as a model says what is wrong with it. */
function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
