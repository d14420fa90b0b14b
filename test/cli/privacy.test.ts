/** What the program leaves in the user's home and temporary folders: our own cache, and nothing of the runtime's. */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { declineTelemetry } from '../../src/compute/engine/onnxruntime-node.ts';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  for (const name of ['home', 'tmp']) mkdirSync(w.path(name));
});
afterEach(() => w.remove());

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );

/** As a user's machine would have it: nobody has said a word about telemetry. */
const run = (args: readonly string[]) =>
  w.start(args, {
    env: {
      HOME: w.path('home'),
      TMPDIR: w.path('tmp'),
      XDG_CACHE_HOME: undefined,
      ORT_DISABLE_TELEMETRY: undefined,
    },
  });

describe('a run in a home of its own', () => {
  const few = ['--data', data('glyphs'), '--calibrate', '8', '--evaluate', '8', '-o', 'out.onnx'];
  it.each([
    ['compress on the native runtime', [shippedModel('glyphs-cnn'), '--int8', '--target', 'node', ...few]],
    ['compress on wasm, measured', [shippedModel('glyphs-cnn'), '--int8', ...few]],
    ['profile', ['profile', shippedModel('glyphs-mlp'), '--device', 'node']],
    ['ort', ['ort', shippedModel('glyphs-mlp'), '-o', 'out.ort']],
  ])('leaves nothing but our own cache: %s', async (_, args) => {
    const { code, stderr } = await run(args);
    expect(stderr).not.toContain('✖');
    expect(code).toBe(0);
    const own = join('.cache', 'edgepress');
    expect(filesIn(w.path('home')).filter((name) => !name.startsWith(own))).toEqual([]);
    expect(filesIn(w.path('tmp'))).toEqual([]);
  });
});

describe("onnxruntime's telemetry", () => {
  it('is declined unless the user chose', () => {
    const chosen = (env: NodeJS.ProcessEnv) => {
      declineTelemetry(env);
      return env['ORT_DISABLE_TELEMETRY'];
    };
    expect(chosen({})).toBe('1');
    expect(chosen({ ORT_DISABLE_TELEMETRY: '0' })).toBe('0');
    expect(chosen({ ORT_DISABLE_TELEMETRY: '' })).toBe('');
  });
});
