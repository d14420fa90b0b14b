/** Models with data that they are for: what probes are measured against. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import { systemNamed } from '../scripts/fixtures/systems.ts';
import { encodeNpy } from '../src/model/formats/npy.ts';
import { type Tensor, tensorOf } from '../src/model/ir/tensor.ts';

export interface ProbeCase {
  readonly name: string;
  readonly model: string;
  /** Where the data is; made on the way where it has to be. */
  readonly data: () => string;
  readonly options?: { readonly preprocess?: string; readonly labels?: string; readonly tokenizer?: string };
  /** Samples of the data. */
  readonly samples?: number;
}

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const zoo = (file: string) => path.join(process.env['EDGEPRESS_ZOO'] ?? '', file);
const models = (file: string) => zoo(`models/${file}`);
const fixture = (file: string) => path.join(root, 'fixtures', file);

/** Data in other forms, as files. */
export const cacheFolder = path.join(root, '.cache/probes');

function made(name: string, make: (file: string) => void): () => string {
  return () => {
    const file = path.join(cacheFolder, name);
    mkdirSync(cacheFolder, { recursive: true });
    if (!existsSync(file)) make(file);
    return file;
  };
}

function writeNpz(file: string, arrays: Readonly<Record<string, Tensor>>): void {
  writeFileSync(
    file,
    zipSync(Object.fromEntries(Object.entries(arrays).map(([k, t]) => [`${k}.npy`, encodeNpy(t)]))),
  );
}

const cifar = made('cifar', (folder) => {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['xzf', zoo('data/cifar10/test.tar.gz'), '-C', folder]);
});

/** int8 spectrograms with the class as the last number of the file name; real = (q − 83)·0.5847029. */
const keywords = made('keywords.npz', (file) => {
  const source = zoo('data/kws01');
  const files = readdirSync(source).filter((f) => f.endsWith('.bin'));
  const values = files.flatMap((f) =>
    Array.from(new Int8Array(readFileSync(path.join(source, f))), (q) => (q - 83) * 0.5847029),
  );
  const labels = files.map((f) => Number(/_(\d+)\.bin$/.exec(f)![1]));
  writeNpz(file, {
    t0: tensorOf('float32', [files.length, 49, 10, 1], values),
    labels: tensorOf('int64', [files.length], labels),
  });
});

/** Words of six letters out of {0,1,2}, each followed by its sorted letters but the last. */
const sorting = made('sorting.npz', (file) => {
  const rows = Array.from({ length: 729 }, (_, n) => {
    const word = Array.from({ length: 6 }, (_, i) => Math.floor(n / 3 ** i) % 3);
    return [...word, ...[...word].sort((a, b) => a - b).slice(0, 5)];
  });
  writeNpz(file, { idx: tensorOf('int64', [729, 11], rows.flat()) });
});

const stories = made('stories.npz', (file) => {
  const { ids } = JSON.parse(readFileSync(models('tiny-llama-stories260K/selfgen_eval.json'), 'utf8')) as {
    ids: number[] | number[][];
  };
  const flat = ids.flat();
  const rows = Math.floor(flat.length / 64);
  writeNpz(file, { input_ids: tensorOf('int64', [rows, 64], flat.slice(0, 64 * rows)) });
});

const system = (name: string): ProbeCase => ({
  name: `${name} (shipped)`,
  model: fixture(`models/${name}.onnx`),
  data: made(`${name}.npz`, (file) =>
    writeNpz(file, systemNamed(name).data({ train: 0, heldOut: 100, seed: 1 }).heldOut),
  ),
});

const shipped = (name: string, data: string): ProbeCase => ({
  name: `${name} (shipped)`,
  model: fixture(`models/${name}.onnx`),
  data: () => fixture(`data/${data}`),
});

const pictures = (name: string, model: string, options: Partial<ProbeCase> = {}): ProbeCase => ({
  name,
  model: models(model),
  data: () => zoo('data/sample-images'),
  ...options,
});

const imagenet = () => zoo('data/imagenet');
const mnist = () => zoo('data/mnist/t10k-images-idx3-ubyte.gz');
const speech = () => models('onnx-silero-vad/test.wav');
const singing = () => models('onnx-basic-pitch/vocadito_10.wav');

export const probeCases: readonly ProbeCase[] = [
  {
    name: 'MobileNetV2',
    model: models('imagenet-mobilenetv2-f32/mobilenetv2.onnx'),
    data: imagenet,
    options: { preprocess: 'imagenet' },
  },
  ...['resnet20', 'resnet56'].map((name) => ({
    name: name === 'resnet20' ? 'ResNet-20' : 'ResNet-56',
    model: models(`cifar10-resnet/${name}.onnx`),
    data: () => path.join(cifar(), 'test'),
    options: { preprocess: 'imagenet' },
  })),
  { name: 'DS-CNN, keywords', model: models('kws-dscnn/kws_dscnn_float.onnx'), data: keywords },
  { name: 'mnist-8', model: models('onnx-mnist/model.onnx'), data: mnist, options: { preprocess: '0-255' } },
  pictures('visual wake words', 'mlperf-tiny/vww_96_float.onnx', {
    data: imagenet,
    options: { preprocess: '0-1', labels: 'none' },
  }),
  {
    name: 'MobileNetV1 0.25 (tfjs)',
    model: models('tfjs-mobilenetv1-025-128-layers-f32/model.json'),
    data: imagenet,
    options: { preprocess: 'tf' },
  },
  {
    name: 'MNIST (tfjs)',
    model: models('tfjs-mnist-layers-f32/model.json'),
    data: mnist,
    options: { preprocess: '0-1' },
  },
  pictures('NSFW, MobileNetV2 (tfjs)', 'tfjs-nsfw-mobilenetv2-layers-u8/model.json', {
    data: imagenet,
    options: { preprocess: '0-1', labels: 'none' },
    samples: 48,
  }),
  pictures('UltraFace RFB-320', 'onnx-ultraface/version-RFB-320.onnx', { options: { preprocess: 'tf' } }),
  pictures('UltraFace slim-320', 'onnx-ultraface/version-slim-320.onnx', { options: { preprocess: 'tf' } }),
  pictures('super-resolution', 'onnx-super-resolution/super-resolution-10.onnx', {
    options: { preprocess: '0-1' },
  }),
  pictures('PP-OCR, text detector', 'onnx-ppocr/ch_PP-OCRv3_det_infer.onnx', {
    options: { preprocess: 'imagenet' },
  }),
  ...['blazeface', 'facemesh', 'emotion', 'iris', 'selfie'].map((name) =>
    pictures(`${name} (tfjs)`, `tfjs-human/${name}/${name}.json`, { options: { preprocess: '0-1' } }),
  ),
  { name: 'Silero VAD', model: models('onnx-silero-vad/silero_vad_16k_op15.onnx'), data: speech },
  { name: 'Keyword Transformer', model: models('onnx-kwt1/kwt1.onnx'), data: speech },
  { name: 'Basic Pitch', model: models('onnx-basic-pitch/nmp.onnx'), data: singing, samples: 8 },
  { name: 'CREPE (tfjs)', model: models('tfjs-crepe-layers-f32/model.json'), data: singing },
  { name: 'minGPT, sorting', model: models('nano-gpt-sort/gpt-nano-sort.onnx'), data: sorting },
  { name: 'tiny Llama', model: models('tiny-llama-stories260K/stories260K.onnx'), data: stories },
  {
    name: 'character LSTM',
    model: models('onnx-charrnn-shakespeare/charrnn.onnx'),
    data: () => zoo('data/text/tiny-shakespeare/input.txt'),
    options: { tokenizer: models('onnx-charrnn-shakespeare/vocab.json') },
    samples: 16,
  },
  shipped('glyphs-cnn', 'glyphs'),
  shipped('glyphs-mlp', 'glyphs-grey.npz'),
  shipped('sequence-gru', 'waves.npz'),
  shipped('sequence-lstm', 'sentiment.npz'),
  shipped('sequence-transformer', 'sentiment.npz'),
  ...['digits-mlp', 'digits-cnn', 'digits-vit', 'sentiment-encoder', 'brackets-lstm', 'sentences-gpt2'].map(
    system,
  ),
];
