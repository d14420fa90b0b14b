/** A report as `compress mobilenetv2.onnx --int8 --data photos/` might write it. Every number here is invented, except
 *  the layer shapes, which are MobileNetV2's. */

import type { Latency, Layer, ModelFacts, Report } from '../../../src/judge/report/report.ts';
import { judge } from '../../../src/judge/report/verdict.ts';
import { createRandom } from '../../../src/support/random.ts';
import { quantile } from '../../../src/support/statistics.ts';

/** Expansion, channels, repetitions, first stride; MobileNetV2's table 2. */
const blocks: readonly (readonly [number, number, number, number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** A PNG of 12×12 pixels, an orange disc. */
export const tinyPicture =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMCAIAAADZF8uwAAAA1klEQVR42nXPoYrFMBBA0fdhIyMjIysrS9SoUBERqkaVcKmqihr1vmq/YwPPPHYpXHnMfUlGFClIRQ7EkBO5kBsZiCNvXiETlFAIlXAQjHASLsJNGAQnTBQzUYmFWIkH0Ygn8SLexEF04kQpk5RUSJUf5Ls0SE6aaMksylL+ik+Ls0y0ZlZlfUCrs060ZTZle0Cbs02kGVX0AamjE+2ZXdkf0O7sE7VMU1qh/btrg+a0iSxjihWsYgdm2Ild2I0NzLGJeqYrvdAr/aAb/aRf9Js+6E5/8wtJceWlcXi3AAAAAABJRU5ErkJggg==';

export function sampleReport(change: Partial<Report> = {}): Report {
  const layers = mobilenetLayers();
  const source: ModelFacts = {
    file: 'mobilenetv2.onnx',
    sha256: 'a3f1'.repeat(16),
    sizeBytes: 13_970_412,
    gzipBytes: 13_012_881,
    brotliBytes: 12_904_110,
    parameters: 3_487_816,
    macs: 300_774_272,
    nodes: 155,
    opset: 13,
    producer: 'pytorch 2.3.0',
    inputs: [{ name: 'input', type: 'float32 [N,3,224,224]' }],
    outputs: [{ name: 'logits', type: 'float32 [N,1000]' }],
    weightBytes: { float32: 13_951_264 },
    ops: { Conv: 52, Clip: 35, Add: 10, GlobalAveragePool: 1, Flatten: 1, Gemm: 1 },
  };
  const result: ModelFacts = {
    ...source,
    file: 'mobilenetv2.int8.onnx',
    sha256: '09bc'.repeat(16),
    sizeBytes: 3_691_220,
    gzipBytes: 3_310_004,
    brotliBytes: 3_260_447,
    nodes: 281,
    opset: 21,
    producer: 'edgepress 0.1.0',
    weightBytes: { int8: 3_320_064, float32: 264_000, int32: 38_112 },
    ops: { QuantizeLinear: 54, DequantizeLinear: 126, Conv: 52, Add: 10, Gemm: 1 },
  };
  const report: Omit<Report, 'verdict'> = {
    schema: 'edgepress/report@1',
    tool: { name: 'edgepress', version: '0.1.0' },
    createdAt: '2026-01-15T10:30:00.000Z',
    command: 'compress mobilenetv2.onnx --int8 --data photos/ --labels photos/labels.csv',
    environment: {
      os: 'linux 6.8 x64',
      cpu: 'Example CPU @ 2.40GHz',
      cores: 2,
      memoryBytes: 16_000_000_000,
      node: '20.19.0',
      runtimes: { 'onnxruntime-web': '1.30.0', 'onnxruntime-node': '1.30.0' },
    },
    source,
    result,
    target: {
      name: 'wasm',
      runtime: 'onnxruntime-web 1.30.0',
      runtimeBrotliBytes: 2_670_000,
      sessionConfig: { 'session.disable_quant_qdq': '0' },
    },
    precision: { mode: 'static', summary: 'int8 static, per channel, MSE ranges' },
    data: {
      source: 'photos/ (500 images)',
      kind: 'images',
      calibrationSamples: 100,
      evaluationSamples: 400,
      labelled: true,
      synthetic: false,
      preprocessing: {
        name: 'imagenet',
        layout: 'NCHW',
        width: 224,
        height: 224,
        mean: [0.485, 0.456, 0.406],
      },
      guessed: ['preprocessing "imagenet", from float32 [N,3,224,224]', 'layout NCHW'],
      preprocessingGuessed: true,
      preprocessingTrial: {
        by: 'labels',
        samples: 64,
        scores: [
          { preprocessing: 'imagenet', score: 0.86 },
          { preprocessing: 'tf', score: 0.79 },
        ],
      },
    },
    stages: [
      {
        name: 'clean up',
        summary: 'upgraded to opset 21 · 35 Clip folded into ranges',
        ms: 212,
        passes: [
          { name: 'fold-constants', effect: 'exact', changed: 12, skipped: 0, ms: 80 },
          { name: 'fuse-conv-batchnorm', effect: 'exact', changed: 0, skipped: 0, ms: 4 },
        ],
      },
      { name: 'calibrate', summary: '53 activations · MSE ranges · 100 images', ms: 1912, passes: [] },
      {
        name: 'quantise',
        summary: '35 pointwise Conv, 1 Gemm per channel · 17 depthwise Conv kept float',
        ms: 305,
        passes: [{ name: 'insert-qdq', effect: 'lossy', changed: 36, skipped: 17, ms: 290 }],
      },
      { name: 'compare', summary: '400 images on wasm', ms: 17_041, passes: [] },
    ],
    layers,
    skipped: layers
      .filter((layer) => layer.reason !== null)
      .map((layer) => ({ pass: 'insert-qdq', at: layer.name, reason: layer.reason ?? '' })),
    compare: {
      samples: 400,
      runtime: 'wasm',
      outputs: [{ name: 'logits', sqnrDb: 24.1, cosine: 0.9981, maxAbsError: 1.92, top1Agreement: 0.9825 }],
      disagreements: [
        {
          id: 'photos/0017.jpg',
          before: 'tabby cat',
          after: 'Egyptian cat',
          truth: 'tabby cat',
          picture: tinyPicture,
        },
        {
          id: 'photos/0102.jpg',
          before: 'laptop',
          after: 'notebook',
          truth: 'notebook',
          picture: tinyPicture,
        },
        { id: 'photos/0388.jpg', before: 'sea lion', after: 'otter', truth: null, picture: null },
      ],
    },
    evaluation: {
      task: 'classification',
      samples: 400,
      runtime: 'wasm',
      metrics: [metric('top-1', 0.8225, 0.82, [0.779, 0.855]), metric('top-5', 0.97, 0.9675, [0.945, 0.981])],
      confusionMatrix: {
        classes: [
          { index: 0, name: 'tench', samples: 210 },
          { index: 1, name: 'goldfish', samples: 190 },
        ],
        pairs: [
          { truth: 0, predicted: 0, before: 180, after: 181 },
          { truth: 0, predicted: 1, before: 30, after: 29 },
          { truth: 1, predicted: 0, before: 41, after: 43 },
          { truth: 1, predicted: 1, before: 149, after: 147 },
        ],
      },
    },
    latency: [
      latency('before', 'this machine', 'wasm', 1, 40.1),
      latency('after', 'this machine', 'wasm', 1, 36.7),
      latency('before', 'this machine', 'cpu', 2, 4.6),
      latency('after', 'this machine', 'cpu', 2, 3.9),
    ],
    memory: { beforePeakBytes: 62_000_000, afterPeakBytes: 41_000_000, how: 'wasm heap after 30 runs' },
    variants: [
      variant('float32', 13_970_412, 0.8225, false),
      variant('float16', 7_012_000, 0.8225, false),
      variant('int8', 3_691_220, 0.82, true),
      variant('int8, all layers', 3_602_000, 0.79, false),
      variant('int4 weights', 2_010_000, 0.7425, false),
    ],
    recipe: { precision: 'int8', ranges: 'mse', calibrationSamples: 100, exclude: ['depthwise'] },
    next: [
      { command: 'compress bundle mobilenetv2.int8.onnx -o public/model', why: 'load it from a web page' },
      { command: '--prune 40% --distill', why: 'for speed on wasm' },
    ],
    files: ['mobilenetv2.int8.onnx', 'mobilenetv2.int8.report.html'],
    ...change,
  };
  return { ...report, verdict: change.verdict ?? judge(report) };
}

/** Repetitions scattered a little above `medianMs`, as timings are. */
export function latency(
  model: 'before' | 'after',
  device: string,
  provider: string,
  threads: number,
  medianMs: number,
): Latency {
  const random = createRandom(Math.round(medianMs * 1000) + threads);
  const samplesMs = Array.from({ length: 30 }, () => medianMs * (0.985 + 0.02 * Math.abs(random.normal())));
  return {
    model,
    device,
    provider,
    runtime: provider === 'cpu' ? 'onnxruntime-node 1.30.0' : 'onnxruntime-web 1.30.0',
    threads,
    config: {},
    warmup: 5,
    repetitions: samplesMs.length,
    medianMs: quantile(samplesMs, 0.5),
    p90Ms: quantile(samplesMs, 0.9),
    minMs: Math.min(...samplesMs),
    createMs: 120,
    firstRunMs: medianMs * 1.4,
    samplesMs,
    emulated: false,
  };
}

export const metric = (
  name: string,
  before: number,
  after: number,
  interval: [number, number] | null = null,
) => ({
  name,
  before,
  after,
  unit: 'fraction' as const,
  higherIsBetter: true,
  interval,
});

const variant = (name: string, sizeBytes: number, value: number, current: boolean) => ({
  name,
  sizeBytes,
  brotliBytes: Math.round(sizeBytes * 0.9),
  metric: 'top-1',
  value,
  current,
});

function mobilenetLayers(): Layer[] {
  const random = createRandom(7);
  const layers: Layer[] = [];
  let side = 112;
  let channels = 32;
  const add = (name: string, opType: string, weights: number, macs: number, keep: boolean) => {
    const depth = layers.length;
    layers.push({
      name,
      opType,
      precision: keep ? 'float' : 'int8',
      weightBytesBefore: weights * 4,
      weightBytesAfter: keep ? weights * 4 : weights,
      macs,
      sqnrDb: (depth < 6 ? 19 : 28 - depth / 12) + 2.2 * random.normal(),
      cosine: 0.998 + 0.001 * random.next(),
      reason: keep ? 'slower-in-int8: depthwise int8 is 0.5 times as fast there on wasm' : null,
    });
  };
  add('features.0.0', 'Conv', 3 * 9 * 32, 3 * 9 * 32 * side * side, false);
  let index = 1;
  for (const [expand, out, repeat, stride] of blocks) {
    for (let i = 0; i < repeat; i++) {
      const hidden = channels * expand;
      if (expand > 1)
        add(`features.${index}.conv.0`, 'Conv', channels * hidden, channels * hidden * side * side, false);
      if (i === 0) side /= stride;
      add(`features.${index}.conv.1`, 'Conv', 9 * hidden, 9 * hidden * side * side, true);
      add(`features.${index}.conv.2`, 'Conv', hidden * out, hidden * out * side * side, false);
      channels = out;
      index++;
    }
  }
  add('features.18.0', 'Conv', 320 * 1280, 320 * 1280 * 49, false);
  add('classifier.1', 'Gemm', 1280 * 1000, 1280 * 1000, false);
  return layers;
}
