import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(async () => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
  const { code } = await w.run(['glyphs-cnn.onnx', '--int8', '--no-measure', '-o', 'small.onnx']);
  expect(code).toBe(0);
});
afterAll(() => w.remove());

/** Half of the pictures would do; one in ten is quicker. */
const against = ['--against', 'glyphs-cnn.onnx', '--data', data('glyphs'), '--evaluate', '50'];

describe('compress check', () => {
  it('ends with 0 where every budget is kept, and says of each what was measured on what', async () => {
    const { code, stdout, stderr } = await w.run([
      ...['check', 'small.onnx', ...against],
      ...['--max-size', '50%', '--max-drop', '2.5', '--min-agreement', '95%', '--min-sqnr', '15'],
    ]);
    expect(stderr).not.toContain('✖');
    expect(stdout).toContain('All 4 budgets are kept.');
    expect(stdout).toMatch(/kept +file size +at most 50 % +\d\d\.\d % \(219 kB → /);
    expect(stdout).toContain('50 samples of glyphs/ (500 images) on wasm');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(code).toBe(0);
  });

  it('ends with 4 where one is not, bad news first', async () => {
    const { code, stdout } = await w.run([
      'check',
      'small.onnx',
      ...against,
      '--max-size',
      '1kB',
      '--max-drop',
      '90',
    ]);
    expect(stdout.trim()).toMatch(
      /^✖ File size is \d\d\.\d kB \(was 219 kB\); at most 1\.00 kB was asked for\./,
    );
    expect(stdout).toContain('1 of 2 budgets is not kept.');
    expect(code).toBe(4);
  });

  it('takes budgets from its part of a configuration file, none of which is ever put aside', async () => {
    writeFileSync(
      w.path('budgets.json'),
      JSON.stringify({ int8: true, check: { maxSize: '1kB', maxDrop: 1 } }),
    );
    const check = ['check', 'small.onnx', '--config', 'budgets.json'];
    const refused = await w.run([...check, '--max-size', '4MB']);
    expect(refused.stderr).toContain('OPTION_WITHOUT_EFFECT  --max-drop');
    expect(refused.code).toBe(2);
    const { code, stdout } = await w.run([...check, ...against, '--json']);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schema: 'edgepress/check@1', model: 'small.onnx', kept: false });
    expect(report.rows.map((row: { budget: string }) => row.budget)).toEqual(['maxSize', 'maxDrop']);
    expect(code).toBe(4);
  });

  it('leaves what continuous integration shows, all of it or none', async () => {
    mkdirSync(w.path('reports'));
    writeFileSync(w.path('summary.md'), 'What was there.\n');
    const files = ['--markdown', 'comment.md', '--junit', 'reports/check.xml'];
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: w.path('summary.md') };
    const check = ['check', 'small.onnx', '--max-size', '1kB', ...files];
    const { code, stdout, stderr } = await w.start(check, { env });
    expect(stdout).toContain('→ reports/check.xml');
    expect(stderr).toMatch(/^::error title=small\.onnx%3A file size::File size is /m);
    const comment = readFileSync(w.path('comment.md'), 'utf8');
    expect(comment).toMatch(/^### ❌ The budget is not kept\./);
    expect(readFileSync(w.path('summary.md'), 'utf8')).toBe(`What was there.\n${comment}\n`);
    expect(readFileSync(w.path('reports/check.xml'), 'utf8')).toContain('tests="1" failures="1"');
    expect(code).toBe(4);

    // Its own files are replaced; a person's never, nor is anything written then.
    writeFileSync(w.path('reports/check.xml'), '<mine/>');
    const before = w.listing();
    const refused = await w.start(check, { env });
    expect(refused.stderr).toContain('OUTPUT_EXISTS');
    expect(refused.code).toBe(2);
    expect(w.listing()).toEqual(before);
  });

  it('refuses a check without budgets', async () => {
    const { code, stderr } = await w.run(['check', 'small.onnx']);
    expect(stderr).toContain('NO_BUDGET');
    expect(stderr).toContain(
      '--max-size, --max-drop, --min-agreement, --min-sqnr, --max-latency, --max-first-visit',
    );
    expect(code).toBe(2);
  });
});
