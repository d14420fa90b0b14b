/** compress passes [name] */
import { z } from 'zod';
import { passes } from '../compress/compress.ts';
import type { Pass } from '../compress/pipeline/pass.ts';
import { textTable } from '../judge/report/text-table.ts';
import { passUnknown } from '../support/diagnostics/passes.ts';
import { printJson } from './print-json.ts';

export async function run(name: string | undefined, flags: { json?: boolean }): Promise<void> {
  const all = [...passes.values()] as Pass[];
  const chosen = name === undefined ? all : all.filter((p) => p.name === name);
  if (chosen.length === 0) throw passUnknown(name!, [...passes.keys()]);
  if (flags.json) {
    const rows = chosen.map((p) => ({
      name: p.name,
      effect: p.effect,
      summary: p.summary,
      options: schemaOf(p),
    }));
    printJson(name === undefined ? rows : rows[0], 1);
    return;
  }
  if (name === undefined) {
    print(
      all.map((p) => [p.name, p.effect, p.summary]),
      0,
    );
    console.log('\ncompress passes <name> shows the options of one; a recipe puts them in order.');
    return;
  }
  describe(chosen[0]!);
}

const schemaOf = (p: Pass) => z.toJSONSchema(p.options, { io: 'input', unrepresentable: 'any' });

function describe(p: Pass): void {
  console.log(`${p.name} (${p.effect})\n  ${p.summary}\n`);
  const { properties = {} } = schemaOf(p) as { properties?: Record<string, Record<string, unknown>> };
  const rows = Object.entries(properties);
  if (rows.length === 0) console.log('  no options');
  print(rows.map(([key, schema]) => [key, kindOf(schema), `default ${JSON.stringify(schema['default'])}`]));
}

const kindOf = (schema: Record<string, unknown>): string =>
  Array.isArray(schema['enum']) ? schema['enum'].join(' | ') : String(schema['type'] ?? 'any');

/** As wide as the terminal, where there is one. */
function print(rows: readonly (readonly string[])[], indent?: number): void {
  const width = process.stdout.columns;
  const lines = textTable(rows, { ...(width ? { width } : {}), ...(indent === undefined ? {} : { indent }) });
  console.log(lines.join('\n'));
}
