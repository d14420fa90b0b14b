/** Models and their samples, in files that all sides read: pictures as they are, everything else as one .npz a sample. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { openData } from '../../src/data/open.ts';
import { inspectData } from '../../src/jobs/data.ts';
import { writeModelFile } from '../../src/model/formats/file.ts';
import { encodeNpz } from '../../src/model/formats/npy.ts';
import { type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';
import { spread } from '../../src/support/spread.ts';
import { squeezenet } from './squeezenet.ts';

export interface Case {
  readonly name: string;
  readonly about: string;
  readonly model: string;
  /** A folder, as `--data` takes it. */
  readonly data: string;
  /** Of pictures: 'imagenet', at this size. */
  readonly size?: number;
  /** Whether other tools are told that it is a transformer. */
  readonly transformer?: boolean;
}

interface Recipe {
  readonly name: string;
  /** @param folder  for files of this case
   *  @returns null where the model isn't there */
  make(folder: string): Promise<Omit<Case, 'name'>>;
}

const zoo = (...parts: string[]) => path.join(process.env['EDGEPRESS_ZOO'] ?? '', ...parts);
const larger = (...parts: string[]) =>
  path.join(process.env['EDGEPRESS_ZOO_MORE'] ?? path.join(homedir(), '.cache/edgepress-zoo'), ...parts);

/** Samples that are written where there are more. */
const mostWritten = 400;

const photographs = () => zoo('data/imagenet');

/** Samples of a case as files 001.npz, …, with labels beside them. */
function writeSamples(
  folder: string,
  samples: readonly Readonly<Record<string, Tensor>>[],
  labels?: readonly number[],
): string {
  const names = samples.map((_, i) => `${String(i + 1).padStart(4, '0')}.npz`);
  for (const [i, sample] of samples.entries())
    writeFileSync(path.join(folder, names[i]!), encodeNpz(new Map(Object.entries(sample))));
  const rows = labels?.map((label, i) => `${names[i]},${label}`);
  if (rows) writeFileSync(path.join(folder, 'labels.csv'), ['file,label', ...rows].join('\n'));
  return folder;
}

async function cifar(folder: string): Promise<string> {
  execFileSync('tar', ['xzf', zoo('data/cifar10/test.tar.gz'), '-C', folder]);
  return path.join(folder, 'test');
}

/** int8 spectrograms with the class as the last number of the file name; real = (q − 83)·0.5847029. */
function keywords(folder: string): string {
  const files = readdirSync(zoo('data/kws01'))
    .filter((f) => f.endsWith('.bin'))
    .sort();
  const samples = files.map((f) => ({
    t0: tensorOf(
      'float32',
      [1, 49, 10, 1],
      Array.from(new Int8Array(readFileSync(zoo('data/kws01', f))), (q) => (q - 83) * 0.5847029),
    ),
  }));
  return writeSamples(
    folder,
    samples,
    files.map((f) => Number(/_(\d+)\.bin$/.exec(f)![1])),
  );
}

/** Photographs at a size that the model leaves open. */
async function atSize(folder: string, size: number): Promise<string> {
  const port = { name: 'x', dtype: 'float32', shape: [1, 3, size, size] } as const;
  const source = await openData(photographs(), [port], { seed: 0, preprocess: 'imagenet' });
  const all = Array.from({ length: source.length }, (_, i) => i);
  const samples = await Promise.all(spread(all, mostWritten).map((i) => source.read(i)));
  return writeSamples(
    folder,
    samples.map(({ inputs }) => inputs),
  );
}

const recipes: readonly Recipe[] = [
  {
    name: 'MobileNetV2',
    make: async () => ({
      about: '500 photographs of ImageNet',
      model: zoo('models/imagenet-mobilenetv2-f32/mobilenetv2.onnx'),
      data: photographs(),
      size: 224,
    }),
  },
  ...[20, 56].map((depth) => ({
    name: `ResNet-${depth}`,
    make: async (folder: string) => ({
      about: '5000 pictures of CIFAR-10',
      model: zoo(`models/cifar10-resnet/resnet${depth}.onnx`),
      data: await cifar(folder),
      size: 32,
    }),
  })),
  {
    name: 'SqueezeNet 1.1, weights drawn',
    make: async (folder) => {
      const model = path.join(folder, 'squeezenet.onnx');
      writeModelFile(squeezenet(), model);
      return { about: 'the photographs', model, data: photographs(), size: 224 };
    },
  },
  {
    name: 'DS-CNN, keywords',
    make: async (folder) => ({
      about: '500 spectrograms of spoken words, as arrays',
      model: zoo('models/kws-dscnn/kws_dscnn_float.onnx'),
      data: keywords(folder),
    }),
  },
  {
    name: 'MiniLM-L6',
    make: async (folder) => {
      const model = larger('minilm/onnx/model.onnx');
      const data = `${path.join(folder, 'sentences')}/`;
      if (existsSync(model))
        await inspectData(zoo('data/text/sst2/dev.tsv'), { model, limit: mostWritten, output: data });
      const about = 'sentences of SST-2, as arrays of tokens';
      return { about, model, data, transformer: true };
    },
  },
  {
    name: 'PP-OCRv3 detector',
    make: async (folder) => ({
      about: 'photographs of 224², as arrays',
      model: zoo('models/onnx-ppocr/ch_PP-OCRv3_det_infer.onnx'),
      data: await atSize(folder, 224),
    }),
  },
];

/** In the order of what is wanted. @param wanted  parts of names; none: all */
export async function casesIn(folder: string, wanted: readonly string[]): Promise<Case[]> {
  const named = wanted.flatMap((w) => recipes.filter(({ name }) => name.includes(w)));
  const chosen = wanted.length === 0 ? recipes : named;
  const made: Case[] = [];
  for (const [i, { name, make }] of chosen.entries()) {
    const own = path.join(folder, `case-${i}`);
    mkdirSync(own);
    made.push({ name, ...(await make(own)) });
  }
  return made;
}
