/** Writes dist/report.schema.json, bundle.schema.json, bundle-report.schema.json and check-report.schema.json, which package.json exports. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import {
  bundleReportJsonSchema,
  checkReportJsonSchema,
  reportJsonSchema,
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
