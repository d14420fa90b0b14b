/** MobileNetV2 as int8 .tflite on ImageNet pictures that calibrated nothing, run by LiteRT itself. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { prepareData } from '../../src/data/prepare-data.ts';
import { compress } from '../../src/index.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { float32Values, tensorOf } from '../../src/model/ir/tensor.ts';
import { hasLitert, runTfliteOnEach } from '../litert.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const path = join(zoo ?? '', 'models/imagenet-mobilenetv2-f32/mobilenetv2.onnx');
const pictures = join(zoo ?? '', 'data/imagenet');
const evaluation = 400;

it.skipIf(!zoo || !hasLitert)(
  'MobileNetV2 in int8 loses no more top-1 in LiteRT than chance explains on 400 pictures (needs EDGEPRESS_ZOO, ai-edge-litert)',
  { timeout: 600_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgepress-litert-'));
    try {
      const output = join(folder, 'm.tflite');
      const request = { int8: true, data: pictures, preprocess: 'imagenet', evaluate: evaluation, output };
      const { report } = await compress(path, { ...request, measure: false, cache: false });
      const [top1] = report.evaluation!.metrics;

      const ports = portsOf(openModel(path).model);
      const split = { seed: 0, calibration: 100, evaluation, synthetic: 0 };
      const { held } = await prepareData({ path: pictures, preprocess: 'imagenet' }, ports, split);
      const samples = await Promise.all(held.indices.map((i) => held.source.read(i)));
      const pixels = samples.map(({ inputs }) => Object.values(inputs)[0]!);
      const values = new Float32Array(evaluation * 3 * 224 * 224);
      pixels.forEach((x, i) => void values.set(float32Values(x), i * 3 * 224 * 224));
      const batch = tensorOf('float32', [evaluation, 3, 224, 224], values);
      const scores = float32Values(runTfliteOnEach(readFileSync(output), batch));
      const classes = scores.length / samples.length;
      const right = samples.filter(({ label }, i) => {
        const row = scores.subarray(i * classes, (i + 1) * classes);
        return row.indexOf(row.reduce((a, b) => Math.max(a, b))) === label;
      });
      const accuracy = right.length / samples.length;

      expect(samples.length).toBe(evaluation);
      // 4 % of answers are others: by chance alone up to two points of them are lost.
      expect(accuracy).toBeGreaterThanOrEqual(top1!.before! - 0.02);
      // The report's figure comes from the Q/DQ model in onnxruntime, which rounds elsewhere now and then.
      expect(Math.abs(accuracy - top1!.after!)).toBeLessThanOrEqual(0.01);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
