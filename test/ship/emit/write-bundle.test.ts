import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStage } from '../../../src/ship/emit/write.ts';
import { checkBundleFolder, createBundleStage } from '../../../src/ship/emit/write-bundle.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const list = () => fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
const put = (name: string, content: string) => {
  fs.mkdirSync(join(at(name), '..'), { recursive: true });
  fs.writeFileSync(at(name), content);
};
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'edgepress-bundle-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const ours = '{"schema": "edgepress/bundle@1"}';
const bytes = (text: string) => new TextEncoder().encode(text);

function codeOf(work: () => void): string {
  try {
    work();
    return 'fine';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
const check = (force = false, keep: string[] = []) =>
  codeOf(() => checkBundleFolder(at('model'), keep, force));

describe('checkBundleFolder', () => {
  it('lets through what is not there, an empty folder, and an older bundle', () => {
    expect(check()).toBe('fine');
    fs.mkdirSync(at('model'));
    expect(check()).toBe('fine');
    put('model/edgepress.json', ours);
    for (const name of ['index.d.ts', 'onnx/model_q4.onnx', 'onnx/model.onnx_data.part2of3', 'onnx/m.ort.br'])
      put(`model/${name}`, '');
    expect(check()).toBe('fine');
  });

  it.each([
    ['someone.txt', 'a file that is not part of bundles'],
    ['onnx/notes.md', 'a note among the models'],
    ['onnx/sub/model.onnx', 'a folder that no bundle has'],
  ])('keeps a bundle to which somebody added %s, unless forced', (name) => {
    put('model/edgepress.json', ours);
    put(`model/${name}`, '');
    expect(check()).toBe('OUTPUT_EXISTS');
    expect(check(true)).toBe('fine');
  });

  it.each([
    ['edgepress.json', '{"schema": "other"}'],
    ['edgepress.json', 'not JSON'],
    ['edgepress.json', 'null'],
    ['index.html', '<p>'],
  ])('keeps a folder with %s that is not ours, unless forced', (name, content) => {
    put(`model/${name}`, content);
    expect(check()).toBe('OUTPUT_EXISTS');
    expect(check(true)).toBe('fine');
  });

  it('never takes the place of a file, nor of a folder that holds what it is made from', () => {
    put('model/edgepress.json', ours);
    put('model/onnx/model.onnx', '');
    expect(check(true, [at('model/onnx/model.onnx')])).toBe('OUTPUT_HOLDS_INPUT');
    expect(check(true, [at('model')])).toBe('OUTPUT_HOLDS_INPUT');
    expect(check(true, [folder])).toBe('fine');
    put('file', '');
    expect(codeOf(() => checkBundleFolder(at('file'), [], true))).toBe('OUTPUT_EXISTS');
  });

  it('follows links before it says what a folder holds', () => {
    put('real/source.onnx', '');
    fs.symlinkSync(at('real'), at('model'));
    expect(check(true, [at('real/source.onnx')])).toBe('OUTPUT_HOLDS_INPUT');
  });

  it('wants no file where a parent folder has to be', () => {
    put('page', '');
    expect(codeOf(() => checkBundleFolder(at('page/model'), [], false))).toBe('FOLDER_NOT_FOUND');
  });
});

describe('a stage', () => {
  it('makes missing parent folders, and takes them away again when no bundle comes of it', () => {
    createBundleStage(at('public/site/model')).discard();
    expect(fs.existsSync(at('public'))).toBe(false);
    const stage = createBundleStage(at('public/site/model'));
    stage.write('edgepress.json', new Uint8Array([1]));
    stage.commit();
    expect(fs.readdirSync(at('public/site'))).toEqual(['model']);
  });

  it('shows nothing before commit, everything after, and takes its own folder away', () => {
    const stage = createBundleStage(at('model'));
    stage.write('onnx/model.onnx', bytes('m'));
    stage.write('edgepress.json', bytes(ours));
    expect(fs.existsSync(at('model'))).toBe(false);
    stage.commit();
    stage.discard();
    expect(list()).toEqual(['model', 'model/edgepress.json', 'model/onnx', 'model/onnx/model.onnx']);
  });

  it('replaces an older bundle as a whole', () => {
    put('model/onnx/model_q4.onnx', 'old');
    const stage = createBundleStage(at('model'));
    stage.write('edgepress.json', bytes(ours));
    stage.commit();
    expect(list()).toEqual(['model', 'model/edgepress.json']);
  });

  it.each([
    ['write-bundle', 'createBundleStage', 'model', 'edgepress.json'],
    ['write', 'createStage', 'model/edgepress.json', 'edgepress.json'],
  ])(
    'of %s that is killed in the midst of replacing gives the older one back to the next run',
    (module, make, output, file) => {
      put('model/edgepress.json', ours);
      const before = list();
      const url = new URL(`../../../src/ship/emit/${module}.ts`, import.meta.url);
      const work = `import fs from 'node:fs';
      const { ${make} } = await import(${JSON.stringify(url.href)});
      const stage = ${make}(${JSON.stringify(at(output))});
      stage.write(${JSON.stringify(file)}, new Uint8Array(1));
      const rename = fs.renameSync;
      fs.renameSync = (...names) => { rename(...names); process.kill(process.pid, 'SIGKILL'); };
      stage.commit();`;
      const { signal } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', work]);
      expect(signal).toBe('SIGKILL');
      expect(fs.existsSync(at('model/edgepress.json'))).toBe(false);
      (make === 'createStage' ? createStage : createBundleStage)(at(output)).discard();
      expect(list()).toEqual(before);
      expect(fs.readFileSync(at('model/edgepress.json'), 'utf8')).toBe(ours);
    },
  );

  it('leaves no trace when it is given up', () => {
    put('model/edgepress.json', ours);
    const before = list();
    const stage = createBundleStage(at('model'));
    stage.write('onnx/model.onnx', bytes('m'));
    stage.discard();
    expect(list()).toEqual(before);
  });

  it('makes folders that a web server may read', () => {
    const stage = createBundleStage(at('model'));
    stage.write('edgepress.json', bytes(ours));
    stage.commit();
    fs.mkdirSync(at('plain'));
    expect(fs.statSync(at('model')).mode).toBe(fs.statSync(at('plain')).mode);
  });

  it('writes through a link and leaves it a link', () => {
    fs.mkdirSync(at('real'));
    fs.symlinkSync(at('real'), at('model'));
    const stage = createBundleStage(at('model'));
    stage.write('edgepress.json', bytes(ours));
    stage.commit();
    expect(fs.lstatSync(at('model')).isSymbolicLink()).toBe(true);
    expect(fs.readdirSync(at('real'))).toEqual(['edgepress.json']);
  });

  it('refuses to write out of the bundle', () => {
    const stage = createBundleStage(at('model'));
    expect(codeOf(() => stage.write('../../x', bytes('x')))).toBe('BUNDLE_INVALID');
    stage.discard();
  });
});
