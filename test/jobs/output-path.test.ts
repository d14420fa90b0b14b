import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputPath } from '../../src/jobs/output-path.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-output-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('where the result is written', () => {
  it('is beside the model, with what was done before the ending', () => {
    expect(outputPath('models/net.onnx', '.int8.onnx', undefined)).toBe('models/net.int8.onnx');
    expect(outputPath('models/NET.ONNX', '.int8.onnx', undefined)).toBe('models/NET.int8.onnx');
    expect(outputPath('models/net', '.distilled.onnx', undefined)).toBe('models/net.distilled.onnx');
  });

  it('is the file that -o names', () => {
    expect(outputPath('net.onnx', '.int8.onnx', 'small.onnx')).toBe('small.onnx');
    expect(outputPath('net.onnx', '.int8.onnx', join(folder, 'new'))).toBe(join(folder, 'new'));
  });

  it('is in the folder that -o names, there or not', () => {
    expect(outputPath('models/net.onnx', '.int8.onnx', folder)).toBe(join(folder, 'net.int8.onnx'));
    expect(outputPath('models/net.onnx', '.int8.onnx', 'new/')).toBe(join('new', 'net.int8.onnx'));
  });
});
