/** Writes dist/report.schema.json, dist/bundle.schema.json and dist/bundle-report.schema.json, which package.json exports. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { bundleReportJsonSchema, reportJsonSchema } from '../src/judge/report/json-schema.ts';
import { manifestJsonSchema } from '../src/ship/emit/manifest-schema.ts';

const folder = new URL('../dist/', import.meta.url);
mkdirSync(folder, { recursive: true });
const write = (name: string, schema: unknown) =>
  writeFileSync(new URL(name, folder), `${JSON.stringify(schema, null, 2)}\n`);
write('report.schema.json', reportJsonSchema());
write('bundle.schema.json', manifestJsonSchema());
write('bundle-report.schema.json', bundleReportJsonSchema());
