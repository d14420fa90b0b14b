import {
  type BundleReport,
  groupByDevice,
  type JudgedBundle,
  type PlacedRun,
  type RunOnDevice,
} from '../../../src/judge/report/bundle-report.ts';
import { judgeBundle } from '../../../src/judge/report/bundle-summary.ts';

export const measuredOn = (
  variant: string,
  medianMs: number,
  change: Partial<RunOnDevice> & { readonly throughput?: Record<string, number> } = {},
): RunOnDevice => {
  const { throughput = {}, ...rest } = change;
  return {
    ...{ variant, device: 'a laptop', host: 'Chromium 140.0', emulated: false },
    ...{ provider: 'wasm', threads: 1, runtime: 'onnxruntime-web 1.30.0', adapter: null },
    measured: {
      ...{ downloadMs: 10, compileMs: 20, createMs: 30, firstRunMs: 5, warmup: 3, repetitions: 40 },
      ...{ medianMs, p90Ms: medianMs * 1.25, intervalMs: null, peakBytes: null, throughput },
      measuredAt: '2026-01-02T03:04:05.000Z',
    },
    reason: null,
    ...rest,
  };
};

const variant = (name: string, bytes: number, accuracy: number | null): BundleReport['variants'][number] => ({
  name,
  precision: name === 'float' ? 'float32' : name === 'wasm-int8' ? 'int8' : 'float16',
  format: 'onnx',
  providers: name === 'webgpu-fp16' ? ['webgpu'] : ['wasm'],
  requires: name === 'webgpu-fp16' ? ['webgpu', 'shader-f16'] : [],
  bytes,
  brotliBytes: Math.round(bytes * 0.9),
  runtime: { bundle: 'onnxruntime-web/wasm', brotliBytes: 2.4e6 },
  accuracy:
    accuracy === null ? null : { metric: 'top-1 accuracy', value: accuracy, original: 0.82, samples: 100 },
  parity: [{ runtime: 'wasm', samples: 100, sqnrDb: 20, cosine: 0.99, top1Agreement: 0.96 }],
});

export const sampleVariants = [
  variant('webgpu-fp16', 7e6, 0.82),
  variant('wasm-int8', 3.7e6, 0.815),
  variant('float', 14e6, 0.82),
];

const phone = { device: 'phone emulated on a laptop', emulated: true };

export const sampleRuns: RunOnDevice[] = [
  measuredOn('float', 160, phone),
  measuredOn('wasm-int8', 200, phone),
  measuredOn('float', 40, { throughput: { 1: 25, 4: 31.5 } }),
  measuredOn('wasm-int8', 20),
  {
    ...measuredOn('webgpu-fp16', 1),
    provider: 'webgpu',
    measured: null,
    reason: 'the GPU has no shader-f16',
  },
];

export function sampleBundleReport(change: Partial<JudgedBundle> = {}): BundleReport {
  const body = judged(change);
  return { ...body, verdict: judgeBundle(body) };
}

const judged = (change: Partial<JudgedBundle>): JudgedBundle => ({
  schema: 'edgepress/bundle-report@1',
  tool: { name: 'edgepress', version: '0.1.0' },
  createdAt: '2026-01-02T03:04:05.000Z',
  command: 'compress profile model/ --report report.html',
  name: 'mobilenetv2',
  source: { file: 'mobilenetv2.onnx', bytes: 14e6, sha256: 'ab'.repeat(32) },
  data: { source: 'photos/', calibrationSamples: 100, evaluationSamples: 100, synthetic: false },
  variants: sampleVariants,
  refused: [],
  notes: [],
  devices: groupByDevice(sampleRuns, sampleVariants),
  ...change,
});

export const names = (runs: readonly PlacedRun[]) => runs.map((run) => run.variant);
