/** What reads files of others: seeds to change, and what is done with a changed one. A target either ends or throws a coded error. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { preset } from '../../src/compress/compress.ts';
import { parseRecipe } from '../../src/compress/pipeline/recipe.ts';
import { decodePicture } from '../../src/data/decode-picture.ts';
import { decodeIdxImages } from '../../src/data/idx.ts';
import { presetPreprocessing } from '../../src/data/preprocess.ts';
import { readTokenizer } from '../../src/data/text/tokenizer.ts';
import { rejectBroken } from '../../src/judge/analyze/facts.ts';
import type { FormatId } from '../../src/model/formats/format.ts';
import { formatWithId } from '../../src/model/formats/index.ts';
import { decodeNpy, decodeNpz, encodeNpy } from '../../src/model/formats/npy.ts';
import { encodeModel } from '../../src/model/formats/onnx/index.ts';
import { parseModel, printModel } from '../../src/model/formats/onnx-text/index.ts';
import { openModelBytes } from '../../src/model/formats/opened.ts';
import { cloneModel } from '../../src/model/ir/clone.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { inferShapes } from '../../src/model/ops/shapes.ts';
import { parseManifest } from '../../src/runtime/parse-manifest.ts';
import { manifestSchema } from '../../src/ship/emit/manifest.ts';
import { dataTargets } from './data-targets.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Target {
  /** What changes are made of. */
  readonly form: 'bytes' | 'json';
  /** Whole files; the same at every call. */
  seeds(): Promise<readonly Uint8Array[]>;
  /** @throws Diagnostic, EdgepressError */
  run(bytes: Uint8Array): Promise<void> | void;
}

const read = (...parts: string[]): Uint8Array => new Uint8Array(readFileSync(join(root, ...parts)));
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

const shipped = ['digits-cnn', 'glyphs-mlp', 'sequence-gru', 'sequence-transformer'];
const shippedModels = () => shipped.map((name) => read('fixtures/models', `${name}.onnx`));

/** A shipped model's files in another format. */
function written(bytes: Uint8Array, id: FormatId, name: string): Map<string, Uint8Array> {
  const model = cloneModel(openModelBytes(bytes).model);
  const files = formatWithId(id).write!(model, { name });
  return new Map(files.map((file) => [file.name, Buffer.concat([...file.pieces()])]));
}

/** Read, inferred, printed, parsed and written again. */
function study(bytes: Uint8Array, name: string, data?: ReadonlyMap<string, Uint8Array>): void {
  const { model } = openModelBytes(bytes, { name, data });
  rejectBroken(model);
  inferShapes(model);
  printModel(model);
  for (const file of formatWithId('onnx').write!(model, { name: 'm.onnx' })) for (const _ of file.pieces());
}

/** The model of a fixture. */
const modelText = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes).split('\n===\n').at(-1)!.split('\n@@@\n')[0]!;

const encoded = (fixture: Uint8Array): Uint8Array => encodeModel(parseModel(modelText(fixture)));

/** A quantised layer, small. */
const layer = `<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3] x) => (float[1,2] y)
< int8[3,2] W = {1, 2, 3, 4, 5, 6}, float s = {0.1}, int8 z = {0} >
{
  q = QuantizeLinear (x, s, z)
  d = DequantizeLinear (q, s, z)
  w = DequantizeLinear (W, s, z)
  m = MatMul (d, w)
  r = QuantizeLinear (m, s, z)
  e = DequantizeLinear (r, s, z)
  y = Softmax (e)
}`;

const text = (): Uint8Array[] =>
  ['fuse-conv-batchnorm', 'decompose-fused', 'inline-functions'].flatMap((folder) =>
    readdirSync(join(root, 'fixtures/passes', folder))
      .slice(0, 4)
      .map((file) => read('fixtures/passes', folder, file)),
  );

let known: Map<string, Uint8Array> | null = null;
const weights = () => (known ??= written(read('fixtures/models/digits-mlp.onnx'), 'tfjs', 'model.json'));

const picturePreset = presetPreprocessing('imagenet', {
  ...{ name: 'image', dtype: 'float32', shape: [1, 3, 32, 32] },
}).spec;

const sha256 = 'a'.repeat(64);
const file = { path: 'm.onnx', bytes: 9, gzipBytes: null, brotliBytes: null, sha256 };
const manifest = manifestSchema.parse({
  schema: 'edgepress/bundle@1',
  name: 'm',
  inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 3, 8, 8] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 10] }],
  ...{ preprocessing: null, labels: ['a', 'b'], licence: null },
  provenance: {
    ...{ tool: 'edgepress 0.1.0', onnxruntime: '1.30.0', recipes: {} },
    source: { file: 'm.onnx', bytes: 1, sha256 },
  },
  variants: [
    {
      ...{
        name: 'int8',
        precision: 'int8',
        providers: ['wasm'],
        format: 'onnx',
        bytes: 9,
        brotliBytes: null,
      },
      parts: [{ name: 'm.onnx', role: 'model', bytes: 9, sha256, files: [file] }],
      ...{ requires: [], sessionConfig: {}, runtime: null, parity: [], accuracy: null, measured: [] },
    },
  ],
});

const byteLevel = {
  ...{ version: '1.0', truncation: null, padding: null, added_tokens: [] },
  ...{ normalizer: null, post_processor: null },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'], unk_token: null },
};

export const targets: Readonly<Record<string, Target>> = {
  onnx: {
    form: 'bytes',
    // Small ones first of all: more of them are read in a minute.
    seeds: async () => [...text().map(encoded), ...shippedModels()],
    run: (bytes) => study(bytes, 'm.onnx'),
  },
  'onnx-text': {
    form: 'bytes',
    seeds: async () => text(),
    run(bytes) {
      printModel(parseModel(modelText(bytes)));
    },
  },
  tflite: {
    form: 'bytes',
    seeds: async () =>
      [encodeModel(parseModel(layer)), read('fixtures/models/digits-cnn.onnx')].flatMap((bytes) => [
        ...written(bytes, 'tflite', 'm.tflite').values(),
      ]),
    run: (bytes) => study(bytes, 'm.tflite'),
  },
  'tfjs-model': {
    form: 'json',
    seeds: async () => [
      weights().get('model.json')!,
      written(read('fixtures/models/digits-cnn.onnx'), 'tfjs', 'model.json').get('model.json')!,
    ],
    run: (bytes) => study(bytes, 'model.json', weights()),
  },
  'tfjs-bytes': {
    form: 'bytes',
    seeds: async () => [weights().get('model.json')!],
    run: (bytes) => study(bytes, 'model.json', weights()),
  },
  npy: {
    form: 'bytes',
    seeds: async () => [
      encodeNpy(tensorOf('float32', [2, 3], [1, 2, 3, 4, 5, 6])),
      encodeNpy(tensorOf('int64', [4], [1, 2, 3, 4])),
      encodeNpy(tensorOf('bool', [2, 2], [1, 0, 0, 1])),
    ],
    run: (bytes) => void decodeNpy(bytes),
  },
  npz: {
    form: 'bytes',
    seeds: async () => {
      const a = encodeNpy(
        tensorOf(
          'float32',
          [64, 3],
          Array.from({ length: 192 }, (_, i) => i),
        ),
      );
      const b = encodeNpy(
        tensorOf(
          'int64',
          [64],
          Array.from({ length: 64 }, (_, i) => i % 10),
        ),
      );
      return [zipSync({ 'x.npy': a, 'labels.npy': b }), zipSync({ 'x.npy': a }, { level: 0 })];
    },
    run: (bytes) => void decodeNpz(bytes),
  },
  idx: {
    form: 'bytes',
    seeds: async () => [
      Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]),
    ],
    run: (bytes) => void decodeIdxImages(bytes, 'images-idx3-ubyte'),
  },
  picture: {
    form: 'bytes',
    seeds: async () => {
      const made = sharp({ create: { width: 40, height: 30, channels: 3, background: '#8a3' } });
      return Promise.all(
        [made.clone().png(), made.clone().jpeg(), made.clone().webp()].map((s) => s.toBuffer()),
      );
    },
    async run(bytes) {
      try {
        await decodePicture({ data: bytes }, picturePreset);
      } catch (error) {
        // What the decoder says is told as DATA_UNREADABLE by whoever has the file's name.
        if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError)
          throw error;
      }
    },
  },
  recipe: {
    form: 'json',
    seeds: async () =>
      (['int8-static', 'q4', 'float16', 'int8-dynamic'] as const).map((name) => encode(preset(name))),
    run: (bytes) => void parseRecipe(decode(bytes)),
  },
  manifest: {
    form: 'json',
    seeds: async () => [encode(manifest)],
    run: (bytes) => void parseManifest(decode(bytes), 'https://example.com/model/edgepress.json'),
  },
  tokenizer: {
    form: 'json',
    seeds: async () => [encode({ a: 0, b: 1, '</s>': 2 }), encode(byteLevel)],
    run: async (bytes) => {
      const tokenizer = await readTokenizer({ name: 'tokenizer.json', bytes });
      tokenizer.decode([0, 1, 2]);
    },
  },
  ...dataTargets,
};
