/** The names that TensorFlow.js knows, against those that are read. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operators, structures } from '../../../../../src/model/formats/tfjs/operators/index.ts';

const root = new URL('../../../../../', import.meta.url);
const mappers = new URL('node_modules/@tensorflow/tfjs-converter/dist/operations/op_list/', root);

async function executed(): Promise<string[]> {
  const files = readdirSync(mappers).filter((name) => name.endsWith('.js'));
  const lists = await Promise.all(
    files.map(
      async (name) => (await import(new URL(name, mappers).href)) as { json: { tfOpName: string }[] },
    ),
  );
  return lists.flatMap(({ json }) => json.map(({ tfOpName }) => tfOpName)).sort();
}

it('reads every operator that TensorFlow.js executes, except those that the README names', async () => {
  const readme = readFileSync(new URL('src/model/formats/tfjs/README.md', root), 'utf8');
  const table = readme.split('## Not read')[1]!.split('\n## ')[0]!;
  const named = table.split('\n').flatMap((line) => (line.split('|')[1] ?? '').match(/`\w+`/g) ?? []);
  const isRead = (name: string) => Object.hasOwn(operators, name) || Object.hasOwn(structures, name);
  const names = await executed();
  expect(names.length).toBeGreaterThan(240);
  expect(named.map((name) => name.slice(1, -1)).sort()).toEqual(names.filter((name) => !isRead(name)));
});
