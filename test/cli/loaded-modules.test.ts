/** What isn't asked for isn't loaded. Node's own coverage says which of our modules a run loaded. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterAll(() => w.remove());

async function loadedBy(args: readonly string[]): Promise<string[]> {
  const folder = w.path('coverage');
  const { code } = await w.start(args, { env: { NODE_V8_COVERAGE: folder } });
  expect(code).toBe(0);
  const urls = readdirSync(folder).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as { result: { url: string }[] };
    return result.map((script) => /\/((?:src|passes)\/[\w/-]+)\.js$/.exec(script.url)?.[1]);
  });
  rmSync(folder, { recursive: true });
  return [...new Set(urls.filter((url) => url !== undefined))].sort();
}

const rooms = /^src\/(compress\/prune|compute\/train|compute\/autodiff|ship\/lab|judge\/generate)\//;
/** What can be said about training, with its defaults: part of the request. */
const described = ['src/compute/train/augment', 'src/compute/train/settings'];

it.each([
  [['glyphs-cnn.onnx', '--int8']],
  [['glyphs-cnn.onnx', '--int8', '--data', data('glyphs'), '--calibrate', '8', '--evaluate', '8', '--force']],
])('%j loads nothing that prunes, trains, generates text or serves devices', async (args) => {
  const loaded = await loadedBy(args);
  expect(loaded).toContain('src/compress/plan');
  expect(loaded.filter((module) => rooms.test(module) && !described.includes(module))).toEqual([]);
  expect(loaded.filter((module) => /^passes\/(prune|cluster|factorize)-/.test(module))).toEqual([]);
});
