/** The draw that all sides share. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { pictureExtensions } from '../../src/data/data-files.ts';
import { openData } from '../../src/data/open.ts';
import { splitData } from '../../src/data/split.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { numbers } from '../../src/model/ir/tensor.ts';
import type { Case } from './cases.ts';
import { draw } from './contestants.ts';
import type { Held } from './judge.ts';
import type { PeerJob } from './tools.ts';

interface Shared {
  /** What other tools are told, but for where to write. */
  readonly peer: Omit<PeerJob, 'output'>;
  readonly held: Held;
  /** Sums of absolute values of the samples that calibrate, as we read them. */
  sums(): Promise<number[]>;
}

export async function openSamples(c: Case): Promise<Shared> {
  const ports = portsOf(openModel(c.model).model);
  const preprocess = c.size === undefined ? undefined : 'imagenet';
  const source = await openData(c.data, ports, { seed: 0, preprocess });
  const split = { calibration: draw.calibrate, evaluation: draw.evaluate, seed: 0 };
  const { calibration, evaluation } = await splitData(source, split);
  const samples = await Promise.all(calibration.map((i) => source.read(i)));
  const files = pathsOf(c.data);
  const chosen = samples.map(({ id }) => files.get(path.normalize(id)) ?? path.join(c.data, id));
  return {
    held: { source, indices: evaluation },
    peer: {
      model: c.model,
      transformer: c.transformer ?? false,
      inputs: Object.fromEntries(ports.map(({ name, dtype }) => [name, dtype])),
      samples: c.size === undefined ? { arrays: chosen } : { pictures: chosen, size: c.size, ...imagenet },
    },
    sums: async () =>
      samples.map(({ inputs }) => Object.values(inputs).reduce((sum, t) => sum + sumOf(t), 0)),
  };
}

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const sumOf = (t: Parameters<typeof numbers>[0]) => {
  let sum = 0;
  for (const value of numbers(t)) sum += Math.abs(value);
  return sum;
};

/** Files of samples by what samples are called: their path in the folder. */
function pathsOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return new Map(
    files
      .filter((f) => pictureExtensions.has(path.extname(f).toLowerCase()) || f.endsWith('.npz'))
      .map((f) => [path.normalize(f), path.join(folder, f)]),
  );
}

/** The largest difference of a sample's sum, as a share of it. */
export const samplesDiffer = (ours: readonly number[], theirs: readonly number[]): number =>
  ours.length === theirs.length
    ? Math.max(...ours.map((sum, i) => Math.abs(sum - theirs[i]!) / Math.max(sum, 1e-9)))
    : Number.POSITIVE_INFINITY;
