import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mergeConfig } from '../../src/compress/merge-config.ts';
import { compressRequest } from '../../src/compress/request.ts';
import { loadConfig } from '../../src/jobs/load-config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('a configuration file', () => {
  it.each([
    ['edgepress.config.json', '{ "int8": true, "data": "photos/" }'],
    ['edgepress.config.mjs', 'export default { int8: true, data: "photos/" };'],
    ['edgepress.config.ts', 'const int8: boolean = true;\nexport default { int8, data: "photos/" };'],
  ])('is read as %s, its paths being relative to it', async (name, text) => {
    const config = await loadConfig(written(name, text));
    expect(config?.request).toEqual({ int8: true, data: expect.stringMatching(/photos\/$/) });
    expect(join(process.cwd(), String(config?.request['data']))).toBe(`${join(folder, 'photos')}/`);
  });

  it.each([
    ['nothing that can be read', '{ int8', 'CONFIG_INVALID'],
    ['an option that there is not', '{ "int9": true }', 'CONFIG_INVALID'],
    ['no object', '[]', 'CONFIG_INVALID'],
    ['nothing at all', '', 'CONFIG_INVALID'],
  ])('that holds %s is refused', async (_, text, code) => {
    await expect(loadConfig(written('edgepress.config.json', text))).rejects.toMatchObject({ code });
  });

  const parts = '{ "int8": true, "bundle": { "targets": ["node"], "data": "photos/" }, "evaluate": 20 }';

  it('has a part for each command; what stands outside of parts is about compress', async () => {
    const file = written('edgepress.config.json', parts);
    expect((await loadConfig(file))?.request).toEqual({ int8: true, evaluate: 20 });
    expect((await loadConfig(file, 'bundle'))?.request).toEqual({
      targets: ['node'],
      data: expect.stringMatching(/photos\/$/),
    });
    expect((await loadConfig(file, 'evaluate'))?.request).toEqual({});
  });

  it.each([
    ['{ "bundel": { "demo": false } }', 'Did you mean "bundle"?'],
    ['{ "bundle": { "target": ["node"] } }', 'Did you mean "targets"?'],
  ])('with a wrong part or field is refused, whatever is asked for: %s', async (text, hint) => {
    const loading = loadConfig(written('edgepress.config.json', text), 'profile');
    await expect(loading).rejects.toMatchObject({ code: 'CONFIG_INVALID', hint });
  });

  it('that was found and cannot be read is named', async () => {
    written('edgepress.config.ts', 'export default { int8: ');
    const before = process.cwd();
    try {
      process.chdir(folder);
      await expect(loadConfig(true)).rejects.toThrow(/^edgepress\.config\.ts: /);
    } finally {
      process.chdir(before);
    }
  });

  it('that was named and is not there is refused', () =>
    expect(loadConfig(join(folder, 'absent.json'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' }));

  it('is looked for no deeper than the folder that is worked in', async () => {
    mkdirSync(join(folder, 'deeper'));
    written('deeper/edgepress.config.json', '{ "int8": true }');
    const before = process.cwd();
    try {
      process.chdir(folder);
      expect(await loadConfig(true)).toBeNull();
      process.chdir('deeper');
      expect((await loadConfig(true))?.file).toBe('edgepress.config.json');
    } finally {
      process.chdir(before);
    }
  });
});

describe('what was asked for beside a configuration', () => {
  it('counts, where both say something', () => {
    const { request, used, unused } = mergeConfig(compressRequest, { int8: true, seed: 1 }, { seed: 2 });
    expect(request).toEqual({ int8: true, seed: 2 });
    expect([used, unused]).toEqual([['int8'], ['seed']]);
  });

  it('puts aside what does not go with it, and what has no effect any more', () => {
    const config = { int8: 'static', data: 'photos/', ranges: 'minmax', qat: true } as const;
    const { request, unused } = mergeConfig(compressRequest, config, { fp16: true });
    expect(request).toEqual({ fp16: true, data: 'photos/' });
    expect(unused).toEqual(['int8', 'ranges', 'qat']);
  });

  it('completes what has no effect alone', () => {
    const { request } = mergeConfig(compressRequest, { labels: 'val.csv' }, { int8: true, data: 'photos/' });
    expect(request).toEqual({ labels: 'val.csv', int8: true, data: 'photos/' });
  });
});
