/** A pass that spoils a model is left out, and every form of the report says so. The program is a copy in which one pass is
 *  wrong, as a mistake of ours would make it. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Report } from '../../src/judge/report/report.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { createWorkspace, type Outcome, program, start, type Workspace } from './program.ts';

let w: Workspace;
const copies: string[] = [];
beforeAll(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
  const values = Array.from({ length: 1600 }, (_, i) => (i % 7) - 3).join();
  writeFileSync(
    w.path('rotated.onnx'),
    encodeModel(
      parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[4,4,40] x) => (float[4,4,40] y) <float[40,40] w = {${values}}> {
  r = Identity (x)
  t = Transpose <perm = [1, 0, 2]> (r)
  y = MatMul (t, w)
}`),
    ),
  );
});
afterAll(() => {
  w.remove();
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

/** The program with these members in the place of a pass's own. */
function programWith(pass: string, members: string): string {
  const built = join(dirname(program), '..', '..');
  const copy = mkdtempSync(join(built, '..', 'spoilt-'));
  copies.push(copy);
  cpSync(built, copy, { recursive: true });
  const exported = pass.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const file = join(copy, 'passes', `${pass}.js`);
  renameSync(file, join(copy, 'passes', `${pass}-right.js`));
  writeFileSync(
    file,
    `import { ${exported} as right } from './${pass}-right.js';
     export const ${exported} = { ...right, ${members} };`,
  );
  return join(copy, 'src', 'cli', 'main.js');
}

const run = (main: string, ...args: string[]): Promise<Outcome> =>
  // Without a browser: nothing here is about one.
  start(process.execPath, [main, ...args], w.folder, w.folder, { env: { PATH: '' } });

/** What the report says in each of its forms. */
function said(outcome: Outcome, name: string): string[] {
  const files = ['md', 'html', 'json'].map((kind) => readFileSync(w.path(`${name}.report.${kind}`), 'utf8'));
  return [outcome.stdout, ...files].map((text) => text.replace(/\s+/g, ' '));
}

const reportOf = (name: string): Report => JSON.parse(readFileSync(w.path(`${name}.report.json`), 'utf8'));

const throwing = 'apply() { return undefined.length; }';

it('goes on without a clean-up pass that throws, names it in terminal, Markdown, HTML and JSON, and exits with 0', async () => {
  const outcome = await run(
    programWith('fuse-conv-batchnorm', throwing),
    'glyphs-cnn.onnx',
    '--int8',
    '--no-measure',
  );
  expect(outcome.stderr).not.toContain('✖');
  expect(outcome.code).toBe(0);
  for (const text of said(outcome, 'glyphs-cnn.int8'))
    expect(text).toContain('Pass fuse-conv-batchnorm was left out');
  expect(reportOf('glyphs-cnn.int8').leftOut).toEqual([
    { pass: 'fuse-conv-batchnorm', effect: 'exact', reason: expect.stringContaining('undefined') },
  ]);
});

it('writes nothing and exits with 1 where what was asked for is what throws', async () => {
  const before = w.listing();
  const outcome = await run(
    programWith('convert-float16', throwing),
    'glyphs-cnn.onnx',
    '--fp16',
    '--no-measure',
  );
  expect(outcome.stderr).toContain('✖ COMPRESSION_SPOILS');
  expect(outcome.stderr).toContain('convert-float16');
  expect(outcome.code).toBe(1);
  expect(w.listing()).toEqual(before);
});

it('calls a result bad that lacks part of what was asked for', async () => {
  const outcome = await run(
    programWith('convert-float16', throwing),
    'rotated.onnx',
    '--q4',
    '--fp16',
    '--no-measure',
  );
  expect(outcome.code).toBe(0);
  const { verdict } = reportOf('rotated.q4f16');
  expect(verdict.level).toBe('bad');
  expect(verdict.warnings[0]!.text).toContain('convert-float16 was left out');
});

it('finds the pass whose result ends a session of onnxruntime-node that nobody set options for', async () => {
  // Without this pass, the pattern stays that onnxruntime dies of.
  const main = programWith('separate-transposes', 'apply: async () => ({ changed: 0, skipped: [] })');
  const outcome = await run(main, 'rotated.onnx', '--fp16', '--target', 'node', '--no-measure');
  expect(outcome.stderr).toMatch(/COMPRESSION_SPOILS +Pass convert-float16 .*without options/s);
});

const bundle = (pass: string, targets: string): Promise<Outcome> =>
  run(
    programWith(pass, throwing),
    ...['bundle', 'glyphs-cnn.onnx', '-o', 'model', '--targets', targets, '--no-demo'],
    ...['--force', '--report', 'model.json'],
  );

const read = (file: string) => JSON.parse(readFileSync(w.path(file), 'utf8'));

it('makes the variants of a bundle without a clean-up pass that throws, and says so', async () => {
  expect((await bundle('fuse-conv-batchnorm', 'wasm,node')).code).toBe(0);
  const names = ['wasm-int8', 'node-int8', 'float'];
  expect(read('model.json').notes).toEqual(
    expect.arrayContaining(
      names.map((n) =>
        expect.stringContaining(`${n} is made otherwise: pass fuse-conv-batchnorm was left out`),
      ),
    ),
  );
  const { recipes } = read('model/edgepress.json').provenance;
  expect(JSON.stringify(recipes)).not.toContain('fuse-conv-batchnorm');
});

it('makes no variant that would lack what it is called after', async () => {
  expect((await bundle('convert-float16', 'webgpu')).code).toBe(0);
  expect(read('model.json').refused).toEqual([
    { name: 'webgpu-fp16', reason: expect.stringContaining('pass convert-float16 was left out') },
  ]);
});
