/** A bundle made by hand: the shipped fixture model, and a variant that no runtime opens. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { type Manifest, manifestSchema, type Variant } from '../../../src/ship/emit/manifest.ts';
import { tfjsBytes, tfliteBytes } from '../../../src/ship/emit/model-bytes.ts';

const model = fileURLToPath(new URL('../../../fixtures/models/glyphs-cnn.onnx', import.meta.url));

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export interface TestBundle {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** @param options.others  with variants for TensorFlow.js and LiteRT.js
 *  @returns a folder that the caller removes */
export function writeBundle(options: { broken?: boolean; others?: boolean } = {}): TestBundle {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-lab-'));
  const bytes = readFileSync(model);
  const half = Math.floor(bytes.length / 2);
  const variants = [
    // In two shards, which the page joins.
    variant(folder, 'float', [
      ['onnx/model.onnx.part1of2', bytes.subarray(0, half)],
      ['onnx/model.onnx.part2of2', bytes.subarray(half)],
    ]),
    ...(options.broken
      ? [variant(folder, 'broken', [['onnx/model_broken.onnx', Buffer.from('this is no model')]])]
      : []),
    ...(options.others ? others(folder, decodeModel(bytes)) : []),
  ];
  const manifest = manifestSchema.parse({
    schema: 'edgepress/bundle@1',
    name: 'glyphs-cnn',
    inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 32, 32] }],
    outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 10] }],
    preprocessing: null,
    labels: null,
    variants,
    licence: null,
    provenance: {
      tool: 'edgepress 0.1.0',
      onnxruntime: '1.30.0',
      source: { file: 'glyphs-cnn.onnx', bytes: bytes.length, sha256: hash(bytes) },
      recipes: {},
    },
  } satisfies Manifest);
  writeFileSync(join(folder, 'edgepress.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return { folder, manifest };
}

function others(folder: string, source: Model): Variant[] {
  const lite = variant(folder, 'litert', [['litert/model.tflite', tfliteBytes(source).model]]);
  const { model: json, data } = tfjsBytes(source, 'model.json');
  const graph = variant(folder, 'tfjs', [['tfjs/model.json', json]]);
  const weights = data.map(({ location, bytes }) => {
    const [part] = variant(folder, 'tfjs', [[`tfjs/${location}`, bytes]]).parts;
    return { ...part!, name: location, role: 'data' as const };
  });
  const bytes = [json, ...data.map((d) => d.bytes)].reduce((sum, b) => sum + b.length, 0);
  return [
    { ...lite, format: 'litert', providers: ['wasm'] },
    { ...graph, format: 'tfjs', providers: ['wasm'], bytes, parts: [...graph.parts, ...weights] },
  ];
}

function variant(folder: string, name: string, files: readonly (readonly [string, Uint8Array])[]): Variant {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  const whole = Buffer.concat(files.map(([, bytes]) => bytes));
  return {
    name,
    precision: 'float32',
    providers: ['webgpu', 'wasm'],
    format: 'onnx',
    parts: [
      {
        name: 'model.onnx',
        role: 'model',
        bytes: whole.length,
        sha256: hash(whole),
        files: files.map(([path, bytes]) => ({
          path,
          bytes: bytes.length,
          gzipBytes: null,
          brotliBytes: null,
          sha256: hash(bytes),
        })),
      },
    ],
    bytes: whole.length,
    brotliBytes: null,
    requires: [],
    sessionConfig: {},
    runtime: null,
    parity: [],
    accuracy: null,
    measured: [],
  };
}
