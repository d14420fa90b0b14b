/** Writes dist/report.schema.json, which package.json exports. Run after tsc. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { reportJsonSchema } from '../src/report/json-schema.ts';

const folder = new URL('../dist/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('report.schema.json', folder), `${JSON.stringify(reportJsonSchema(), null, 2)}\n`);
