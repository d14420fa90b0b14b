/** Models that others made, with weights in int8 beside the original: each is judged by what it is for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../src/compress/compress.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { compare } from '../../src/jobs/compare.ts';
import { readModel } from '../../src/jobs/read-model.ts';
import { measuresOf } from '../../src/judge/report/measure-words.ts';
import { levelOf } from '../../src/judge/task/measure.ts';

const zoo = process.env['EDGEPRESS_ZOO'] ?? '';
const faces = path.join(zoo, 'data/sample-images');

/** Model, samples, and the measures that it must have, the one that stands for the task first. */
const models: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['onnx-ultraface/version-RFB-320.onnx', faces, 'detection', ['map-50', 'map-coco', 'boxes-matched']],
  ['tfjs-human/blazeface/blazeface.json', faces, 'detection', ['map-50', 'map-coco', 'boxes-matched']],
  ['tfjs-human/selfie/selfie.json', faces, 'segmentation', ['mean-iou', 'same-places']],
  ['tfjs-human/iris/iris.json', faces, 'regression', ['relative-error', 'rmse', 'mae']],
];

describe.each(models)('%s (skipped without EDGEPRESS_ZOO)', (file, data, task, ids) => {
  const model = path.join(zoo, 'models', file);
  it.skipIf(!existsSync(model))(`is judged as ${task}, and well in int8`, { timeout: 120_000 }, async () => {
    const original = await readModel(model);
    const recipe = preset('int8-weights');
    const { model: small } = await compressModel(original.model, { recipe, engine: await openEngine() });
    const { report } = await compare(model, small, {
      ...{ data, evaluate: 4, engine: 'node' },
      preprocess: file.startsWith('onnx') ? 'imagenet' : '0-1',
    });
    expect(report.task.name).toBe(task);
    const measures = measuresOf(report);
    expect(measures.map(({ id }) => id)).toEqual(ids);
    expect(measures[0]!.value).not.toBeNull();
    expect(levelOf(measures[0]!), JSON.stringify(measures)).not.toBe('bad');
  });
});
