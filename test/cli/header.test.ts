/** What is known before the work is shown before it, once, and each step with all that it says. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWorkspace, data, program, start, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterEach(() => w.remove());

const few = ['--calibrate', '20', '--evaluate', '40', '--no-measure'];
const args = ['glyphs-cnn.onnx', '--int8', '--data', data('glyphs'), ...few];

it('shows model, input, task, data and target before the first pass, in one stream as in a log', async () => {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
  const { stdout: log, code } = await start('sh', ['-c', `${words} 2>&1`], w.folder, w.folder);
  expect(code).toBe(0);
  const places = ['glyphs-cnn.onnx ', 'input ', 'task ', 'data ', 'target ', 'clean up ', 'compare '].map(
    (label) => log.indexOf(`\n  ${label}`),
  );
  expect(
    places.every((at) => at >= 0),
    log,
  ).toBe(true);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  for (const label of ['input', 'task', 'data', 'target'])
    expect(log.split(new RegExp(`^  ${label} `, 'm')), label).toHaveLength(2);
  expect(log).not.toContain('…');
});

it('keeps standard output one document with --json, and paths with --quiet', async () => {
  const json = await w.run([...args, '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ schema: 'edgepress/report@1' });
  expect(json.stderr).toMatch(/^ {2}task +classification/m);
  const quiet = await w.run([...args, '--quiet', '--force']);
  expect(quiet.stdout.split('\n')[0]).toBe('glyphs-cnn.int8.onnx');
  expect(quiet.stderr).toBe('');
});
