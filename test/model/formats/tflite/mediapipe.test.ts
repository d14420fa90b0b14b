/** MediaPipe's own files, from its packages: what we read computes what LiteRT computes, in NCHW with nothing turned inside. */
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import { elementCount, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../../src/model/ir/verify.ts';
import { leftTransposes } from '../../../../src/model/layout/propagate.ts';
import { createRandom } from '../../../../src/support/random.ts';
import { largestDifference, runModel } from '../../../run-model.ts';
import { litertMissing, runLitert } from './litert.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

interface Known {
  /** In node_modules/@mediapipe. */
  readonly file: string;
  readonly size: readonly [height: number, width: number];
}

const files: readonly Known[] = [
  { file: 'selfie_segmentation/selfie_segmentation.tflite', size: [256, 256] },
  { file: 'selfie_segmentation/selfie_segmentation_landscape.tflite', size: [144, 256] },
  // Not among our own dependencies: 40 MB.
  { file: 'pose/pose_landmark_lite.tflite', size: [256, 256] },
  { file: 'pose/pose_landmark_full.tflite', size: [256, 256] },
];
const pathOf = (file: string) => new URL(`../../../../node_modules/@mediapipe/${file}`, import.meta.url);

describe.each(files)('$file', ({ file, size }) => {
  const missing = existsSync(pathOf(file)) ? litertMissing : `@mediapipe/${file} is not installed`;
  it.skipIf(missing !== null)(`equals LiteRT${missing ? `: ${missing}` : ''}`, async () => {
    const bytes = readFileSync(pathOf(file));
    const { model } = openModelBytes(bytes, { name: file });
    verifyModel(model);
    const random = createRandom(5);
    const dims = [1, ...size, 3];
    const picture = tensorOf(
      'float32',
      dims,
      Float32Array.from({ length: elementCount(dims) }, () => random.next()),
    );
    const [theirs] = runLitert([{ model: bytes, inputs: [picture], delegate: true }]);
    if ('error' in theirs!) throw new Error(theirs.error);
    const ours = Object.values(await runModel(engine, model, { [model.graph.inputs[0]!.name]: picture }));
    expect(ours).toHaveLength(theirs!.length);
    theirs!.forEach((t, i) => {
      const { difference, magnitude } = largestDifference(t, ours[i]!);
      // Sums in another order; noise is no person, whose probability is next to nothing.
      expect(difference).toBeLessThanOrEqual(1e-3 * magnitude + 1e-5);
    });
    for (const { reason } of leftTransposes(model)) expect(reason).toMatch(/input|output/);
  });
});
