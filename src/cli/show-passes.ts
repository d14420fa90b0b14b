/** Passes as people and programs read them. */
import { z } from 'zod';
import { loadPasses } from '../compress/compress.ts';
import { fillingFields } from '../compress/pipeline/option-fields.ts';
import type { Pass } from '../compress/pipeline/pass.ts';
import { compressRequest } from '../compress/request.ts';
import { textTable } from '../judge/report/text-table.ts';
import { passUnknown } from '../support/diagnostics/passes.ts';
import { fieldsOf } from '../support/field.ts';
import { spell } from '../support/parse-request.ts';
import { printJson } from './print-json.ts';

/** @param name  undefined: all of them @throws PASS_UNKNOWN with the nearest name */
export async function showPasses(name: string | undefined, json: boolean): Promise<void> {
  const passes = await loadPasses();
  const all = [...passes.values()];
  const chosen = name === undefined ? all : all.filter((p) => p.name === name);
  if (chosen.length === 0) throw passUnknown(name!, [...passes.keys()]);
  if (json) printJson(name === undefined ? chosen.map(record) : record(chosen[0]!), 1);
  else if (name === undefined) list(all);
  else describe(chosen[0]!);
}

const record = (p: Pass) => ({
  name: p.name,
  effect: p.effect,
  summary: p.summary,
  options: schemaOf(p),
});

function list(all: readonly Pass[]): void {
  print(
    all.map((p) => [p.name, p.effect, p.summary]),
    0,
  );
  console.log('\ncompress passes <name> shows the options of one; a recipe puts them in order.');
}

const schemaOf = (p: Pass) => z.toJSONSchema(p.options, { io: 'input', unrepresentable: 'any' });

function describe(p: Pass): void {
  console.log(`${p.name} (${p.effect})\n  ${p.summary}\n`);
  const { properties = {} } = schemaOf(p) as { properties?: Record<string, Record<string, unknown>> };
  const rows = Object.entries(properties);
  const typed = typedOptions(p);
  if (rows.length === 0) console.log('  no options');
  print(rows.map(([key, schema]) => [key, kindOf(schema), absentValue(schema), typed.get(key) ?? '']));
}

const kindOf = (schema: Record<string, unknown>): string =>
  Array.isArray(schema['enum']) ? schema['enum'].join(' | ') : String(schema['type'] ?? 'any');

const absentValue = (schema: Record<string, unknown>): string =>
  schema['default'] === undefined ? '' : `default ${JSON.stringify(schema['default'])}`;

/** As wide as the terminal, where there is one. */
function print(rows: readonly (readonly string[])[], indent?: number): void {
  const lines = textTable(rows, { width: process.stdout.columns || undefined, indent });
  console.log(lines.join('\n'));
}

/** The command line's options that fill those of the pass. */
function typedOptions(p: Pass): Map<string, string> {
  const fields = fieldsOf(compressRequest);
  return new Map(
    Object.entries(fillingFields(p)).flatMap(([option, key]) => {
      const field = fields.find((f) => f.key === key);
      return field ? [[option, spell(field, 'option')]] : [];
    }),
  );
}
