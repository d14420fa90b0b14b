import { describe, expect, it } from 'vitest';
import { describeBundle } from '../../src/cli/show-bundle.ts';
import type { BundleResult } from '../../src/jobs/bundle.ts';
import { makeBundle } from '../runtime/bundle.ts';

const model = new Uint8Array(8);

function shown(format: 'onnx' | 'tfjs' | 'litert', paths: readonly string[]): string {
  const { manifest } = makeBundle([{ name: 'one', format, model }]);
  const files = paths.map((path) => ({ path, bytes: 1 }));
  const nothing = { refused: [], notes: [], guessed: [], large: [] };
  const result: BundleResult = {
    folder: 'public/model',
    manifest,
    files,
    task: { name: 'classification', by: 'outputs', evidence: '', outputs: [] },
    synthetic: false,
    stripped: null,
    ...nothing,
  };
  return describeBundle(result, { data: 'photos/' });
}

describe('what comes next after a bundle', () => {
  it('is one line that loads it', () => {
    expect(shown('onnx', [])).toContain("await loadModel('/model/')\n");
  });

  it.each(['litert', 'tfjs'] as const)('says where %s lies in the bundle', (format) => {
    const text = shown(format, [`demo/${format}/${format}.js`]);
    expect(text).toContain(`await loadModel('/model/', { ${format}: '/model/demo/${format}/' })`);
    expect(text).not.toContain('npm install');
  });

  it.each([
    ['litert', '@litertjs/core'],
    ['tfjs', '@tensorflow/tfjs-core'],
  ] as const)('says what to install for %s where it does not', (format, name) => {
    const text = shown(format, []);
    expect(text).toContain("await loadModel('/model/')\n");
    expect(text).toContain(`npm install ${name}`);
  });
});

it('says once why variants were left out, with their names', () => {
  const { manifest } = makeBundle([{ name: 'one', model }]);
  const reason = 'GridSample has no form';
  const refused = ['litert-int8', 'litert'].map((name) => ({ name, reason }));
  const result: BundleResult = {
    ...{
      folder: 'm',
      manifest,
      files: [],
      task: { name: 'classification', by: 'outputs', evidence: '', outputs: [] },
      synthetic: false,
      stripped: null,
      notes: [],
      guessed: [],
      large: [],
    },
    refused: [...refused, { name: 'wasm-int8', reason: 'it disagrees' }],
  };
  const text = describeBundle(result, { data: 'photos/' });
  expect(text).toContain(`Not in the bundle: litert-int8 and litert, ${reason}`);
  expect(text).toContain('Not in the bundle: wasm-int8, it disagrees');
});
