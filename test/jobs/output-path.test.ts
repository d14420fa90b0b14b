import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inFolderOf, outputPath } from '../../src/jobs/output-path.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-output-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('where the result is written', () => {
  it('is beside the model, with what was done before the ending', () => {
    expect(outputPath('models/net.onnx', '.int8', {})).toBe('models/net.int8.onnx');
    expect(outputPath('models/NET.ONNX', '.int8', {})).toBe('models/NET.int8.onnx');
    expect(outputPath('models/net', '.distilled', {})).toBe('models/net.distilled.onnx');
  });

  it('is in the folder where one is for a model on the web, by its last part without what follows it', () => {
    const at = (url: string) => outputPath(url, '.int8', {});
    expect(at('https://example.org/nets/net.onnx?key=a/b.onnx#top')).toBe('net.int8.onnx');
    expect(at('https://example.org/models/XyZ/')).toBe('XyZ.int8.onnx');
    expect(at('https://example.org/my%20net.zip')).toBe('my net.int8.onnx');
    expect(at('https://example.org/%2e%2e%2fup.onnx')).toBe('.._up.int8.onnx');
    expect(at('https://me:key@example.org:8080/')).toBe('example.org.int8.onnx');
  });

  it('is the file that -o names', () => {
    expect(outputPath('net.onnx', '.int8', { output: 'small.onnx' })).toBe('small.onnx');
    expect(outputPath('net.onnx', '.int8', { output: join(folder, 'new') })).toBe(join(folder, 'new'));
  });

  it('is in the folder that -o names, there or not', () => {
    expect(outputPath('models/net.onnx', '.int8', { output: folder })).toBe(join(folder, 'net.int8.onnx'));
    expect(outputPath('models/net.onnx', '.int8', { output: 'new/' })).toBe(join('new', 'net.int8.onnx'));
  });

  it('is no folder with the name of a file, unless / says so', () => {
    const named = join(folder, 'net.tflite');
    mkdirSync(named);
    expect(() => outputPath('net.onnx', '', { output: named })).toThrow(
      expect.objectContaining({ code: 'FORMAT_FOLDER' }),
    );
    expect(outputPath('net.onnx', '', { output: `${named}/` })).toBe(join(named, 'net.onnx'));
  });

  it('is a folder with model.json for TensorFlow.js', () => {
    expect(outputPath('models/net.onnx', '.int8', { format: 'tflite' })).toBe('models/net.int8.tflite');
    expect(outputPath('models/net.onnx', '.int8', { format: 'tfjs' })).toBe('models/net.int8/model.json');
    expect(outputPath('web/model.json', '.int8', { format: 'tfjs' })).toBe('web/model.int8/model.json');
    expect(outputPath('net.onnx', '.int8', { output: 'new/', format: 'tfjs' })).toBe('new/model.json');
    expect(outputPath('net.onnx', '.int8', { output: 'new/', format: 'onnx-text' })).toBe(
      'new/net.int8.onnx.txt',
    );
    expect(outputPath('net.onnx', '.int8', { output: 'a.json', format: 'tfjs' })).toBe('a.json');
  });

  it('has no name that asks for another format than is said', () => {
    expect(() => outputPath('net.onnx', '.int8', { output: 'a.onnx', format: 'tfjs' })).toThrow(
      expect.objectContaining({ code: 'FORMAT_CONFLICT' }),
    );
    expect(() => outputPath('net.onnx', '.int8', { output: 'a', format: 'tfjs' })).toThrow(
      expect.objectContaining({ code: 'FORMAT_CONFLICT' }),
    );
  });

  it('may lie in a folder that is not there yet, which goes again where the work fails', async () => {
    const file = join(folder, 'new', 'small.onnx');
    const failed = inFolderOf(file, () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    expect(existsSync(join(folder, 'new'))).toBe(false);
    await inFolderOf(file, async () => writeFileSync(file, ''));
    expect(existsSync(file)).toBe(true);
  });

  it('makes no more than one folder for a file', async () => {
    await inFolderOf(join(folder, 'a', 'b', 'small.onnx'), async () => {});
    expect(existsSync(join(folder, 'a'))).toBe(false);
  });
});
