import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reportSchema } from '../../src/judge/report/report.ts';
import { decodeModel } from '../../src/model/formats/onnx/read.ts';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
});
afterEach(() => w.remove());

const glyphs = ['glyphs-cnn.onnx', '--int8', '--data', data('glyphs'), '--no-measure', '--no-cache'];

describe('compress --int8 --qat', () => {
  it('writes an integer model that was trained on data it is not compared on, and says how that went', async () => {
    w.copy('glyphs-cnn');
    const { code, stderr, stdout } = await w.run([
      ...[...glyphs, '--qat', '--weight-bits', '4', '--epochs', '2', '--batch', '20', '--target', 'node'],
      ...['--calibrate', '20', '--evaluate', '300'],
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/train +epoch 2 of 2 · loss/);
    expect(stdout).toMatch(/trained +accuracy [\d.]+ → [\d.]+ % on 20 held out/);
    const report = reportSchema.parse(
      JSON.parse(readFileSync(w.path('glyphs-cnn.int8.report.json'), 'utf8')),
    );
    const [training] = report.training!;
    // 500 pictures: 300 are compared on; of the others about a tenth chooses the epoch, copies of one picture together.
    expect([training!.samples, training!.validationSamples]).toEqual([180, 20]);
    expect(training!.epochs).toHaveLength(2);
    expect(report.data!.evaluationSamples).toBe(300);
    expect(report.precision.mode).toBe('static');
    expect(report.precision.summary).toMatch(/Conv.* in int8 with weights in int4/);
    expect(stdout.replace(/\s+/g, ' ')).not.toContain('Conv in int8 ·');
    const { graph } = decodeModel(readFileSync(w.path('glyphs-cnn.int8.onnx')));
    const stored = [...graph.initializers].map((v) => v.constant!.dtype);
    expect(stored.filter((dtype) => dtype === 'int4')).toHaveLength(10);
    expect(readFileSync(w.path('glyphs-cnn.int8.report.html'), 'utf8')).toContain('Loss by epoch');
  }, 60_000);

  it('refuses synthetic data, which would train it for noise', async () => {
    w.copy('glyphs-cnn');
    const { code, stderr } = await w.run([
      ...['glyphs-cnn.onnx', '--int8', '--qat', '--data', 'synthetic', '--no-measure', '--no-cache'],
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('QAT_DATA');
    expect(existsSync(w.path('glyphs-cnn.int8.onnx'))).toBe(false);
  });

  it('says so when the target leaves nothing to train', async () => {
    w.copy('glyphs-cnn');
    const { code, stderr } = await w.run([...glyphs, '--qat', '--target', 'webgpu', '--calibrate', '10']);
    expect(code).toBe(2);
    expect(stderr).toContain('QAT_NOTHING');
    expect(existsSync(w.path('glyphs-cnn.int8.onnx'))).toBe(false);
  });

  it.each([
    [['--int8', '--qat'], '--qat'],
    [['--int8', '--weight-bits', '4'], '--weight-bits'],
    [['--int8', '--data', data('glyphs'), '--epochs', '3'], '--epochs'],
  ])('%j: an option that would change nothing is refused', async (flags, option) => {
    w.copy('glyphs-cnn');
    const { code, stderr } = await w.run(['glyphs-cnn.onnx', ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain('OPTION_WITHOUT_EFFECT');
    expect(stderr).toContain(option);
  });
});
