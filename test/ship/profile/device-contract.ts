/** What every device must do, run for each of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { measurementSchema } from '../../../src/ship/emit/manifest.ts';
import type { Device, Setting, Subject } from '../../../src/ship/profile/device.ts';
import { openDevice } from '../../../src/ship/profile/open-device.ts';

export interface Contract {
  readonly device: string;
  readonly setting: Setting;
  readonly skip?: boolean;
  /** Whether it tells how much memory was used. */
  readonly memory: boolean;
}

/** @param folder  holds `model.onnx` (float[n,4] x), `fixed.onnx` (float[2,4] x) and `bad.onnx`, which is no model */
export function deviceContract(
  { device: name, setting, skip = false, memory }: Contract,
  folder: () => string,
): void {
  const quick = { warmup: 1, minRepetitions: 3, maxRepetitions: 5, maxMs: 500 };
  const subject = (file: string, change: Partial<Subject> = {}): Subject => ({
    name: file,
    parts: [{ name: file, role: 'model', files: [{ path: `${folder()}/${file}` }] }],
    format: 'onnx',
    providers: null,
    requires: [],
    sessionConfig: {},
    inputs: [{ name: 'x', shape: ['n', 4] }],
    feeds: { x: tensorOf('float32', [1, 4], [1, 2, 3, 4]) },
    ...change,
  });

  describe.skipIf(skip)(`the device ${name}`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await openDevice(name, [setting.provider]);
    });
    afterAll(() => device?.close());

    it('measures a model and says on what', async () => {
      const { result, samplesMs, intervalMs } = await device.measure(subject('model.onnx'), setting, quick);
      expect(measurementSchema.parse(result)).toEqual(result);
      expect(result).toMatchObject({ ...setting, emulated: device.emulated, repetitions: samplesMs.length });
      expect(result.runtime).toMatch(/^onnxruntime-(node|web) \d/);
      expect(result.host).toMatch(/\d/);
      expect(result.warmup).toBe(1);
      for (const value of [result.createMs, result.firstRunMs, result.medianMs])
        expect(value).toBeGreaterThan(0);
      expect(result.p90Ms!).toBeGreaterThanOrEqual(result.medianMs!);
      expect(intervalMs[0]).toBeLessThanOrEqual(result.medianMs!);
      expect(result.peakBytes !== null).toBe(memory);
      for (const text of [result.device, device.title]) expect(/emulated/.test(text)).toBe(device.emulated);
    });

    it('measures several by turns, and hands over why one of them does not open', async () => {
      const both = [subject('model.onnx'), subject('model.onnx')] as const;
      const turns = await device.measureByTurns(both, setting, quick);
      expect(turns).toHaveLength(2);
      expect(turns[0]!.samplesMs.length).toBeGreaterThanOrEqual(3);
      expect(turns[1]!.samplesMs).toHaveLength(turns[0]!.samplesMs.length);
      const broken = device.measureByTurns([both[0], subject('bad.onnx')], setting, quick);
      await expect(broken).rejects.toMatchObject({ code: 'ENGINE_OPEN' });
    });

    it('counts samples a second by batch size, and says when the batch is fixed', async () => {
      const asked = { ...quick, throughput: [1, 3] };
      const free = await device.measure(subject('model.onnx'), setting, asked);
      expect(Object.keys(free.result.throughput ?? {})).toEqual(['1', '3']);
      const fixed = subject('fixed.onnx', {
        inputs: [{ name: 'x', shape: [2, 4] }],
        feeds: { x: tensorOf('float32', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) },
      });
      const { result, notes } = await device.measure(fixed, setting, asked);
      expect(result.throughput).toBeUndefined();
      expect(notes.join()).toMatch(/batch dimension is fixed/);
    });

    it('refuses a variant that is made for something else, with the reason', () => {
      expect(device.refuses(subject('model.onnx'), setting)).toBeNull();
      const other = subject('model.onnx', { providers: ['webnn'] });
      expect(device.refuses(other, setting)).toMatch(/made for webnn/);
    });

    it('reports what the runtime says about a file that is no model', async () => {
      const measured = device.measure(subject('bad.onnx'), setting, quick);
      await expect(measured).rejects.toMatchObject({ name: 'Diagnostic' });
    });

    it('stops when it is aborted', async () => {
      const controller = new AbortController();
      const options = { ...quick, signal: controller.signal };
      const measured = device.measure(subject('model.onnx'), setting, options);
      controller.abort(new Error('enough'));
      await expect(measured).rejects.toThrow('enough');
    });
  });
}
