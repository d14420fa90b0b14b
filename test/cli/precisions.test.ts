import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reportSchema } from '../../src/judge/report/report.ts';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
});
afterEach(() => w.remove());

const report = (name: string) =>
  reportSchema.parse(JSON.parse(readFileSync(w.path(`${name}.report.json`), 'utf8')));

describe('compress --fp16 and --q4', () => {
  it.each([
    [['--fp16'], 'fp16', 'float16'],
    [['--q4'], 'q4', 'q4'],
    [['--q4', '--fp16'], 'q4f16', 'q4'],
  ] as const)('%j writes <model>.%s.onnx and reports mode %s', async (flags, suffix, mode) => {
    w.copy('sequence-transformer');
    const { code, stdout } = await w.run(['sequence-transformer.onnx', ...flags, '--no-measure']);
    expect(code).toBe(0);
    expect(existsSync(w.path(`sequence-transformer.${suffix}.onnx`))).toBe(true);
    const { precision, layers, next } = report(`sequence-transformer.${suffix}`);
    expect(precision.mode).toBe(mode);
    expect(layers.some((l) => l.precision === mode)).toBe(true);
    expect(next[0]!.command).toContain(`${flags.join(' ')} --data`);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('measures ranges where there is data, and compares', async () => {
    w.copy('glyphs-mlp');
    const { code } = await w.run([
      ...['glyphs-mlp.onnx', '--fp16', '--no-measure', '--data', data('glyphs-grey.npz')],
      ...['--calibrate', '10', '--evaluate', '40'],
    ]);
    expect(code).toBe(0);
    const { compare, data: used, evaluation } = report('glyphs-mlp.fp16');
    expect(used!.calibrationSamples).toBe(10);
    expect(compare!.outputs[0]!.top1Agreement).toBe(1);
    expect(evaluation!.metrics[0]!.after).toBe(evaluation!.metrics[0]!.before);
  });

  it.each(['--fp16', '--q4'])('%s and --int8 exclude each other', async (flag) => {
    w.copy('glyphs-mlp');
    const { code, stderr } = await w.run(['glyphs-mlp.onnx', '--int8', 'static', flag]);
    expect(code).toBe(2);
    expect(stderr).toContain('CONFLICTING_OPTION');
    expect(stderr).toContain('cannot be used with');
  });
});
