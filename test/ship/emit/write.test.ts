import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { checkOutputs, createStage, isOurs, writeTogether } from '../../../src/ship/emit/write.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-write-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const model = (mark: boolean) => {
  const made = parseModel(
    '<ir_version: 8, opset_import: ["": 17]> edgepress (float[2] x) => (float[2] y) { y = Relu(x) }',
  );
  if (mark) made.metadata.set('edgepress', 'made with recipe int8');
  return encodeModel(made);
};

describe('isOurs', () => {
  it('tells our models by their metadata, not by our name in them', () => {
    writeFileSync(at('ours.onnx'), model(true));
    writeFileSync(at('theirs.onnx'), model(false));
    expect([isOurs(at('ours.onnx')), isOurs(at('theirs.onnx'))]).toEqual([true, false]);
  });

  it.each([
    ['a.json', '{\n "schema": "edgepress/report@1"', '{"tool": "edgepress"}'],
    ['a.html', '<meta name="generator" content="edgepress 0.1.0">', '<p>edgepress</p>'],
    ['a.xml', '<?xml version="1.0"?>\n<!-- made by edgepress -->', '<edgepress/>'],
    ['a.md', '### ✅ Smaller\n```json\n{\n  "edgepress": 1,', '# About edgepress'],
  ])('tells our reports from pages about us: %s', (name, ours, theirs) => {
    writeFileSync(at(name), ours);
    expect(isOurs(at(name))).toBe(true);
    writeFileSync(at(name), theirs);
    expect(isOurs(at(name))).toBe(false);
  });

  it('takes what is not there, or empty, as free', () => {
    writeFileSync(at('empty.onnx'), '');
    expect([isOurs(at('absent.onnx')), isOurs(at('empty.onnx')), isOurs(folder)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('checkOutputs', () => {
  it('lets --force replace files, never folders', () => {
    writeFileSync(at('theirs.onnx'), model(false));
    mkdirSync(at('folder.onnx'));
    expect(() => checkOutputs([at('theirs.onnx')], false)).toThrow(
      expect.objectContaining({ code: 'OUTPUT_EXISTS' }),
    );
    expect(() => checkOutputs([at('theirs.onnx')], true)).not.toThrow();
    expect(() => checkOutputs([at('folder.onnx')], true)).toThrow(
      expect.objectContaining({ code: 'OUTPUT_EXISTS' }),
    );
  });
});

describe('createStage', () => {
  it('shows nothing under the final names until all of it is committed', () => {
    const stage = createStage(at('a.onnx'));
    stage.write(at('a.onnx'), 'model');
    stage.write(at('a.report.md'), 'report');
    expect(existsSync(at('a.onnx'))).toBe(false);
    expect(stage.commit().sort()).toEqual([at('a.onnx'), at('a.report.md')]);
    expect(readdirSync(folder).sort()).toEqual(['a.onnx', 'a.report.md']);
  });

  it('puts everything back when one file cannot be moved', () => {
    writeFileSync(at('a.onnx'), 'older');
    const stage = createStage(at('a.onnx'));
    stage.write(at('a.onnx'), 'newer');
    stage.write(at('b.onnx'), 'newer');
    // A folder comes up where a file is to go, after the outputs were checked.
    mkdirSync(at('b.onnx'));
    expect(() => stage.commit()).toThrow(expect.objectContaining({ code: 'OUTPUT_UNWRITABLE' }));
    stage.discard();
    expect(readFileSync(at('a.onnx'), 'utf8')).toBe('older');
    expect(readdirSync(folder).sort()).toEqual(['a.onnx', 'b.onnx']);
  });

  it('leaves nothing behind when it is discarded', () => {
    const stage = createStage(at('a.onnx'));
    stage.write(at('a.onnx'), 'model');
    stage.discard();
    stage.discard();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('writeTogether', () => {
  const files = ['a/one.md', 'b/two.xml', 'b/three.md'];
  const written = () => writeTogether(files.map((name) => ({ path: at(name), content: `new ${name}` })));
  beforeEach(() => {
    for (const name of ['a', 'b']) mkdirSync(at(name));
    writeFileSync(at('a/one.md'), 'old');
  });

  it('puts files into several folders', () => {
    written();
    for (const name of files) expect(readFileSync(at(name), 'utf8')).toBe(`new ${name}`);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['a', 'b', ...files].sort());
  });

  it('puts none where one has no place, and takes back what it replaced', () => {
    mkdirSync(at('b/two.xml'));
    expect(written).toThrow(expect.objectContaining({ code: 'OUTPUT_UNWRITABLE' }));
    expect(readFileSync(at('a/one.md'), 'utf8')).toBe('old');
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['a', 'a/one.md', 'b', 'b/two.xml']);
  });
});
