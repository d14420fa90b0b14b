/** Writes the JSON Schemas that package.json exports to dist/: of reports, of a bundle's manifest, of a sweep's file. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { sweepFileJsonSchema } from '../src/jobs/sweep/sweep-file.ts';
import {
  bundleReportJsonSchema,
  checkReportJsonSchema,
  reportJsonSchema,
  sweepReportJsonSchema,
} from '../src/judge/report/json-schema.ts';
import { manifestJsonSchema } from '../src/ship/emit/manifest-schema.ts';

const folder = new URL('../dist/', import.meta.url);
mkdirSync(folder, { recursive: true });
const write = (name: string, schema: unknown) =>
  writeFileSync(new URL(name, folder), `${JSON.stringify(schema, null, 2)}\n`);
write('report.schema.json', reportJsonSchema());
write('bundle.schema.json', manifestJsonSchema());
write('bundle-report.schema.json', bundleReportJsonSchema());
write('check-report.schema.json', checkReportJsonSchema());
write('sweep.schema.json', sweepFileJsonSchema());
write('sweep-report.schema.json', sweepReportJsonSchema());
