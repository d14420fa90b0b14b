import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterEach(() => w.remove());

describe('compress ort', () => {
  it('writes a file that onnxruntime opens, and the operators that a reduced build needs for it', async () => {
    const { code, stdout } = await w.run(['ort', 'glyphs-cnn.onnx', '-o', 'm.ort']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/→ m\.ort .* kB → .* kB\n {2}→ m\.required_operators_and_types\.config/);
    const session = await (await openEngine('node')).open({ bytes: readFileSync(w.path('m.ort')) });
    expect(session.inputs.map((p) => p.name)).toEqual(['image']);
    await session.close();
    // And again from what came out: an .ort file is a model like any other.
    expect((await w.run(['ort', 'm.ort', '-o', 'again.ort'])).code).toBe(0);
    expect(readFileSync(w.path('again.ort')).subarray(4, 8).toString()).toBe('ORTM');
    expect(readFileSync(w.path('m.required_operators_and_types.config'), 'utf8')).toMatch(
      /com\.microsoft;1;/,
    );
  });

  it('replaces its own files unasked', async () => {
    for (const _ of [1, 2]) expect((await w.run(['ort', 'glyphs-cnn.onnx', '-o', 'm.ort'])).code).toBe(0);
    const arrays = ['data', data('glyphs'), '--model', 'glyphs-cnn.onnx', '--limit', '3', '-o', 'd.npz'];
    for (const _ of [1, 2]) expect((await w.run(arrays)).code).toBe(0);
  });

  it('keeps a file of that name that somebody else made', async () => {
    w.copy('glyphs-mlp', 'm.ort');
    const before = w.listing();
    const { code, stderr } = await w.run(['ort', 'glyphs-cnn.onnx', '-o', 'm.ort']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/m\.ort/);
    expect(w.listing()).toEqual(before);
  });

  it('never writes over the file that it reads, even with --force', async () => {
    expect((await w.run(['ort', 'glyphs-cnn.onnx', '-o', 'm.ort'])).code).toBe(0);
    const before = readFileSync(w.path('m.ort'));
    for (const args of [['m.ort'], ['glyphs-cnn.onnx', '-o', 'glyphs-cnn.onnx']]) {
      const { code, stderr } = await w.run(['ort', ...args, '--force']);
      expect(code).toBe(2);
      expect(stderr).toContain('OUTPUT_IS_INPUT');
    }
    expect(readFileSync(w.path('m.ort'))).toEqual(before);
  });
});
