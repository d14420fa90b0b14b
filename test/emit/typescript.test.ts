import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { buildBundle } from '../../src/emit/bundle.ts';
import { renderTypes } from '../../src/emit/typescript.ts';
import { compress, sampleInfo, sampleVariant } from './sample-bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Inside the project, so that packages are found; hidden, so that nothing else looks at it.
const folder = mkdtempSync(join(root, '.types-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function typesOf(changes: Parameters<typeof sampleInfo>[0]): Promise<string> {
  const { manifest } = await buildBundle(sampleInfo(changes), [sampleVariant()], { compress });
  return renderTypes(manifest);
}

/** What tsc says about an app that uses the types; '' when all is well. */
function check(types: string, app: string): string {
  writeFileSync(join(folder, 'index.d.ts'), types);
  writeFileSync(join(folder, 'app.ts'), app);
  const options = {
    extends: '../tsconfig.json',
    compilerOptions: { paths: { 'edgepress/runtime': ['../src/runtime/index.ts'] }, skipLibCheck: false },
    files: ['app.ts', 'index.d.ts'],
    include: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
    return '';
  } catch (error) {
    const { stdout } = error as { stdout: string };
    return stdout
      .split('\n')
      .filter((line) => /app\.ts|index\.d\.ts/.test(line))
      .join('\n');
  }
}

describe('the types of a bundle', () => {
  it('type what goes in and what comes out of a loaded model, and refuse what does not fit', async () => {
    const types = await typesOf({
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
    const app = `import { loadModel } from 'edgepress/runtime';
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
    expect(check(types, app)).toBe('');
  });

  it('quotes names that are no identifiers, and nothing in a name ends comment or string', async () => {
    const odd = ['input:0', '1st', 'it\'s */ "quoted"', 'class', 'größe', '__proto__', 'line\nbreak'];
    const types = await typesOf({
      name: 'a */ b',
      inputs: odd.map((name) => ({ name, dtype: 'float32', shape: [1, '*/ x'] })),
      labels: ['a"b', 'a"b', '\\', '*/'],
    });
    expect(types).toContain('readonly "input:0": TensorLike');
    expect(types).toContain('readonly class: TensorLike');
    expect(
      check(
        types,
        `import type { Inputs } from './index.js';\nexport const keys = (i: Inputs) => [i['1st'], i.größe];\n`,
      ),
    ).toBe('');
  });

  it('knows an array for every element type that runs in a page', async () => {
    const dtypes =
      'float32 float16 float64 int8 uint8 bool int16 uint16 int32 uint32 int64 uint64 string'.split(' ');
    const ports = dtypes.map((dtype) => ({ name: dtype, dtype, shape: [2] }));
    const types = await typesOf({ inputs: ports, outputs: ports, labels: null });
    expect(types.match(/readonly data: /g)).toHaveLength(dtypes.length);
    expect(
      check(
        types,
        `import type { Outputs } from './index.js';\nexport const f = (o: Outputs): bigint | undefined => o.int64.data[0];\n`,
      ),
    ).toBe('');
  });
});
