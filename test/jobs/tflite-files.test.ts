/** .tflite files in jobs: what stays one, what is said before anything runs, what is measured. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../../src/jobs/bundle.ts';
import { compress } from '../../src/jobs/compress.ts';
import { convert } from '../../src/jobs/convert.ts';
import { profile } from '../../src/jobs/profile.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';

const digits = fileURLToPath(new URL('../../fixtures/models/digits-cnn.onnx', import.meta.url));

let folder: string;
let file: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-tflite-'));
  file = join(folder, 'digits.tflite');
  await convert(digits, { output: file });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const quick = { int8: 'weights', measure: false, compare: false } as const;

describe('a .tflite file that is compressed', () => {
  it('stays one, for LiteRT', async () => {
    const { files, report } = await compress(file, quick);
    expect(files[0]!.path).toBe('digits.int8.tflite');
    expect(Buffer.from(files[0]!.bytes).toString('latin1', 4, 8)).toBe('TFL3');
    expect(report.target.name).toBe('litert');
  });

  it('is ONNX where a target, a format or a name asks for that', async () => {
    for (const asked of [
      { target: 'wasm' },
      { format: 'onnx' },
      { output: join(folder, 'small.onnx') },
    ] as const) {
      const { files, report } = await compress(file, { ...quick, ...asked });
      expect(basename(files[0]!.path)).toMatch(/\.onnx$/);
      expect(report.target.name).toBe('wasm');
    }
  });
});

describe('open sizes', () => {
  const open = () =>
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,height,width] x) => (float[N,3,height,width] y) { y = Relu (x) }`);
  const expected = {
    code: 'TFLITE_SIZE',
    hint: expect.stringMatching(/^Say them: \S*sizes\S* height=<n>,width=<n>/),
  };

  it('are said before anything runs, without the batch', async () => {
    const steps: string[] = [];
    const asked = {
      ...quick,
      format: 'tflite',
      onProgress: (p: { step: string }) => void steps.push(p.step),
    } as const;
    await expect(compress(open(), asked)).rejects.toMatchObject(expected);
    expect([...new Set(steps)]).toEqual(['read']);
    await expect(convert(open(), { output: join(folder, 'm.tflite') })).rejects.toMatchObject(expected);
  });

  it('are what keeps LiteRT out of a bundle, whatever else is asked for', async () => {
    for (const targets of [['litert'], ['wasm', 'litert']] as const)
      await expect(bundle(open(), { demo: false, targets: [...targets] })).rejects.toMatchObject(expected);
  });
});

describe('a .tflite file that is measured', () => {
  const rows = async (device: string) =>
    (await profile(file, { device: [device], provider: ['wasm', 'cpu'] })).report.rows;

  it('is called ONNX where onnxruntime runs its translation', async () => {
    const [own, translated] = await rows('node');
    expect(own).toMatchObject({ subject: 'digits.tflite', measured: null });
    expect(own!.reason).toContain('--device chromium');
    expect(translated).toMatchObject({ subject: 'digits.tflite as ONNX', reason: null });
  });

  it.skipIf(!findBrowser('chromium'))(
    'runs on LiteRT.js in a browser (skipped: no Chromium)',
    async () => {
      const [own] = await rows('chromium');
      expect(own!.subject).toBe('digits.tflite');
      expect(own!.measured!.result.runtime).toMatch(/LiteRT|litert/);
    },
    120_000,
  );
});
