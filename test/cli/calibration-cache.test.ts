/** Ranges that an earlier run found: used again for the same model and data, and said so. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterAll(() => w.remove());

it('calibrates once for the same model and samples, and again for others', async () => {
  const run = async (output: string, ...more: string[]) => {
    const pictures = ['--data', data('glyphs'), '--calibrate', '16', '--no-compare', '--no-measure'];
    const args = ['glyphs-cnn.onnx', '--int8', ...pictures, ...more, '-o', output];
    const { code, stderr } = await w.run(args);
    expect(code, stderr).toBe(0);
    return { told: stderr, bytes: readFileSync(w.path(output)) };
  };
  const [first, again, other] = [
    await run('a.onnx'),
    await run('b.onnx'),
    await run('c.onnx', '--seed', '1'),
  ];
  expect(first.told).not.toContain('cached');
  expect(again.told).toMatch(/calibrate .* 16 samples · cached/);
  expect(again.bytes).toEqual(first.bytes);
  expect(other.told).not.toContain('cached');
});
