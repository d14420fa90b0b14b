/** The shipped models and those of EDGEPRESS_ZOO, and what they need to be pruned and run. */
import { readdirSync } from 'node:fs';
import type { Model } from '../../../src/model/ir/model.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { formatType } from '../../../src/model/ir/type.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { isValidModel } from '../../invalid-models.ts';
import type { FeedSettings } from '../../run-model.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const shipped = 'fixtures/models';

/** Needs operators that no runtime here has. */
export const notRunnable = /pre_post_processing/;

const silero = {
  inputs: { input: [1, 576], state: [2, 1, 128], sr: [] },
  tensors: { sr: tensorOf('int64', [], [16000]) },
};

/** Sizes to count costs at, where 1 says too little. */
export const bindings: Record<string, Record<string, number>> = {
  'silero_vad.onnx': { 'input.1': 576 },
  'silero_vad_16k_op15.onnx': { sequence: 576 },
  'silero_vad_op18_ifless.onnx': { sequence: 576 },
};

export const settings: Record<string, FeedSettings> = {
  // Nothing but padding has no mean.
  'sentiment-encoder.onnx': { integers: 30, dims: { sequence: 8 } },
  'ch_PP-OCRv3_det_infer.onnx': { inputs: { x: [1, 3, 64, 64] } },
  'ch_ppocr_mobile_v2.0_cls_infer.onnx': { inputs: { x: [1, 3, 48, 192] } },
  'silero_vad.onnx': silero,
  'silero_vad_16k_op15.onnx': silero,
  'silero_vad_op18_ifless.onnx': silero,
};

/** Models of which less can go, with the share of MACs that stays at the least; why is in their skips. */
export const least: Record<string, number> = {
  // Hidden states are inputs and outputs of the model: only the embedding can be narrower.
  'charrnn.onnx': 0.79,
};

const folders = [shipped, ...(zoo ? [`${zoo}/models`] : [])];
export const files = folders.flatMap((folder) =>
  (readdirSync(folder, { recursive: true }) as string[])
    // What the README's command writes beside a shipped model, such as glyphs-cnn.int8.onnx, does not ship.
    .filter((f) => f.endsWith('.onnx') && (folder !== shipped || /^[^.]+\.onnx$/.test(f)) && isValidModel(f))
    .sort()
    .map((f) => `${folder}/${f}`),
);

/** Names and types of inputs and outputs. */
export function ports(model: Model): string[] {
  inferShapes(model);
  return [...model.graph.inputs.filter((v) => !v.constant), ...model.graph.outputs].map(
    (v) => `${v.name}: ${formatType(v.type)}`,
  );
}
