import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { buildBundle } from '../../../src/ship/emit/bundle.ts';
import { renderTypes } from '../../../src/ship/emit/typescript.ts';
import { compress, sampleInfo, sampleVariant } from './sample-bundle.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// Inside the project, so that packages are found; hidden, so that nothing else looks at it.
const folder = mkdtempSync(join(root, '.types-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function typesOf(changes: Parameters<typeof sampleInfo>[0]): Promise<string> {
  const { manifest } = await buildBundle(sampleInfo(changes), [sampleVariant()], { compress });
  return renderTypes(manifest);
}

interface Case {
  readonly types: string;
  readonly app: string;
}

/** What tsc says about apps that use the types, each in a folder of its own; '' when all is well. */
function check(cases: readonly Case[]): string {
  for (const [i, { types, app }] of cases.entries()) {
    mkdirSync(join(folder, String(i)));
    writeFileSync(join(folder, String(i), 'index.d.ts'), types);
    writeFileSync(join(folder, String(i), 'app.ts'), app);
  }
  const options = {
    extends: '../tsconfig.json',
    // The types under test are a .d.ts.
    compilerOptions: { paths: { 'edgepress-runtime': ['../src/runtime/index.ts'] }, skipLibCheck: false },
    include: ['*/*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', cwd: root });
    return '';
  } catch (error) {
    const lines = (error as { stdout: string }).stdout.split('\n');
    return lines.filter((line) => /(app|index\.d)\.ts\(/.test(line) && line.includes('.types-')).join('\n');
  }
}

const app = `import { loadModel } from 'edgepress-runtime';
import type { Inputs, Label, Outputs } from './index.js';
export async function classify(image: ImageBitmap): Promise<[number, bigint, Label]> {
  const model = await loadModel<Inputs, Outputs>('/model/');
  const { scores, place } = await model.run({ image, ids: [1n] });
  const data: Float32Array = scores.data;
  // @ts-expect-error there is no such output
  model.run({ image, ids: 1 }).then((o) => o.logits);
  // @ts-expect-error ids is missing
  model.run({ image });
  // @ts-expect-error a picture is no list of ids
  model.run({ image, ids: image });
  return [data[0]!, place.data[0]!, 'moon'];
}
`;
const importing = (use: string) =>
  `import type { Inputs, Outputs } from './index.js';\nexport const use = (i: Inputs, o: Outputs) => ${use};\n`;

const elements = 'float32 float16 float64 int8 uint8 bool int16 uint16 int32 uint32 int64 uint64 string';

describe('the types of a bundle', () => {
  it('quote names that are no identifiers', async () => {
    const names = ['input:0', 'class', 'größe', 'a b'];
    const types = await typesOf({ inputs: names.map((name) => ({ name, dtype: 'float32', shape: [1] })) });
    for (const key of ['"input:0"', 'class', 'größe', '"a b"'])
      expect(types).toContain(`readonly ${key}: TensorLike`);
  });

  it('compile, and let through what fits: odd names, every element type, pictures; and nothing else', async () => {
    const typed = await typesOf({
      inputs: [
        { name: 'image', dtype: 'float32', shape: ['N', 3, 8, 8] },
        { name: 'ids', dtype: 'int64', shape: [1] },
      ],
      outputs: [
        { name: 'scores', dtype: 'float16', shape: null },
        { name: 'place', dtype: 'int64', shape: [1] },
      ],
      preprocessing: { name: 'imagenet' },
    });
    const odd = ['input:0', '1st', 'it\'s */ "quoted"', 'class', 'größe', '__proto__', 'line\nbreak'];
    const oddly = await typesOf({
      name: 'a */ b',
      inputs: odd.map((name) => ({ name, dtype: 'float32', shape: [1, '*/ x'] })),
      labels: ['a"b', 'a"b', '\\', '*/'],
    });
    const ports = elements.split(' ').map((dtype) => ({ name: dtype, dtype, shape: [2] }));
    const every = await typesOf({ inputs: ports, outputs: ports, labels: null });
    expect(
      check([
        { types: typed, app },
        { types: oddly, app: importing(`[i['1st'], i.größe, o.scores.data.length]`) },
        { types: every, app: importing('[i.string, o.int64.data[0] === 1n, o.bool.data.fill(0)]') },
      ]),
    ).toBe('');
  });
});
