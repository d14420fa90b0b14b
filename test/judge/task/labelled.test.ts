/** Detectors and masks against labels that people drew, and `evaluate` on them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import type { Label, LabelledBox } from '../../../src/data/label.ts';
import { evaluate } from '../../../src/jobs/evaluate.ts';
import { openMeter } from '../../../src/judge/task/measures-of.ts';
import type { Task } from '../../../src/judge/task/task.ts';
import { encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Port } from '../../../src/model/ir/port.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';

const floats = (dims: readonly number[], values: ArrayLike<number>) => tensorOf('float32', dims, values);
const input: Port = { name: 'x', dtype: 'float32', shape: [1, 3, 100, 200] };
const picture = floats(input.shape as number[], new Float32Array(60000));
const taskOf = (name: Task['name'], role: Task['outputs'][number]['role'], ...outputs: string[]): Task => ({
  ...{ name, by: 'asked', evidence: '' },
  outputs: outputs.map((output) => ({ name: output, role })),
});

describe('boxes', () => {
  const label = (left: number, top: number, label: number, more: Partial<LabelledBox> = {}): LabelledBox => ({
    ...{ left, top, right: left + 40, bottom: top + 20, label, id: label, isIgnored: false, ...more },
  });
  /** Corners in shares of the picture, as scores and classes say. */
  const found = (...boxes: readonly (readonly [left: number, top: number, label: number])[]) => ({
    boxes: floats(
      [1, 2, 4],
      boxes.flatMap(([x, y]) => [x / 200, y / 100, (x + 40) / 200, (y + 20) / 100]),
    ),
    scores: floats([1, 2], [0.9, 0.8]),
    classes: floats(
      [1, 2],
      boxes.map(([, , c]) => c),
    ),
  });
  const measure = (labels: readonly LabelledBox[], before: Record<string, Tensor>, after = before) => {
    const meter = openMeter({
      task: taskOf('detection', 'detections', 'boxes', 'scores', 'classes'),
      ...{ inputs: [input], outputs: [] },
    })!;
    meter.add(before, after, { inputs: { x: picture }, label: { kind: 'boxes', boxes: labels } });
    return meter.quality!();
  };

  it('of each model are compared with the labels, in pixels of the picture', () => {
    const labels = [label(10, 10, 0), label(100, 60, 1)];
    const [fine, strict] = measure(labels, found([10, 10, 0], [100, 60, 1]), found([10, 10, 0], [0, 60, 1]));
    expect(fine).toMatchObject({ name: 'mAP@0.5 against labels', before: 1, after: 0.5, unit: 'fraction' });
    expect(strict).toMatchObject({ before: 1, after: 0.5 });
  });

  it('may count classes from 1, or by the ids of the labels', () => {
    const labels = [label(10, 10, 0, { id: 17 }), label(100, 60, 1, { id: 90 })];
    expect(measure(labels, found([10, 10, 1], [100, 60, 2]))[0]!.before).toBe(1);
    expect(measure(labels, found([10, 10, 17], [100, 60, 90]))[0]!.before).toBe(1);
    expect(measure(labels, found([10, 10, 16], [100, 60, 89]))[0]!.before).toBe(1);
    expect(measure(labels, found([10, 10, 40], [100, 60, 41]))[0]!.before).toBe(0);
  });

  it('that lie where labels do not count are neither right nor wrong', () => {
    const labels = [label(10, 10, 0), label(100, 60, 0, { isIgnored: true })];
    expect(measure(labels, found([100, 60, 0], [10, 10, 0]))[0]!.before).toBe(1);
  });

  it('are judged by labels only where there are some', () => {
    const meter = openMeter({
      task: taskOf('detection', 'detections', 'boxes', 'scores'),
      inputs: [input],
      outputs: [],
    })!;
    const y = found([10, 10, 0], [100, 60, 1]);
    meter.add(y, y, { inputs: { x: picture } });
    expect(meter.quality!()).toEqual([]);
  });
});

describe('masks', () => {
  const measure = (label: Label, before: Tensor, after = before) => {
    const meter = openMeter({ task: taskOf('segmentation', 'mask', 'y'), inputs: [input], outputs: [] })!;
    meter.add({ y: before }, { y: after }, { inputs: { x: picture }, label });
    return meter.quality!();
  };
  const drawn = (width: number, ...classes: number[]): Label => ({
    ...{ kind: 'mask', width, height: classes.length / width, classes: Uint8Array.from(classes) },
  });

  it('are judged by classes that labels or model have, where places count', () => {
    // Class 0: 1 of 2 places, class 1: 1 of 2; the last place does not count.
    const rows = measure(drawn(4, 0, 0, 1, 255), tensorOf('int64', [1, 1, 4], [0, 1, 1, 7]));
    expect(rows).toMatchObject([
      { name: 'mean IoU against labels', before: 0.5 },
      { name: 'right class of places against labels', before: 2 / 3 },
    ]);
  });

  it('of one class are judged by what they show, on a grid of their own', () => {
    const rows = measure(
      drawn(4, 0, 0, 3, 3),
      floats([1, 1, 1, 2], [0.1, 0.9]),
      floats([1, 1, 1, 2], [0.6, 0.9]),
    );
    expect(rows[0]).toMatchObject({ before: 1, after: 0.5 });
  });
});

describe('evaluate', () => {
  const root = mkdtempSync(join(tmpdir(), 'edgepress-labelled-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  /** Says of each place of a picture whether it is light. */
  const light = `<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,8,8] x) => (float[1,1,8,8] mask)
<float k = {20}, float half = {0.5}, int64[1] axes = {1}>
{
  m = ReduceMean <axes = [1]> (x)
  d = Sub (m, half)
  s = Mul (d, k)
  mask = Sigmoid (s)
}`;

  it('measures what labels are of, and says where they say nothing of the task', async () => {
    const model = join(root, 'light.onnx');
    writeFileSync(model, encodeModel(parseModel(light)));
    const left = (channels: 1 | 3) =>
      sharp(
        Uint8Array.from({ length: 64 * channels }, (_, i) => (Math.floor(i / channels) % 8 < 4 ? 255 : 0)),
        {
          raw: { width: 8, height: 8, channels },
        },
      );
    for (const name of ['images', 'masks']) mkdirSync(join(root, 'set', name), { recursive: true });
    await left(3).png().toFile(join(root, 'set/images/1.png'));
    await left(1).toColourspace('b-w').png().toFile(join(root, 'set/masks/1.png'));
    const data = join(root, 'set');
    const options = { data, preprocess: '0-1', task: 'segmentation' } as const;
    const { report } = await evaluate(model, options);
    expect(report).toMatchObject({ task: 'segmentation', samples: 1 });
    expect(report.metrics[0]).toMatchObject({ name: 'mean IoU against labels', before: null, after: 1 });
    const code = await evaluate(model, { ...options, labels: 'none' }).then(
      () => 'none',
      (error: { code: string }) => error.code,
    );
    expect(code).toBe('TASK_UNLABELLED');
  });
});
