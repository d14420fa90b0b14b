/** Commands that are killed: each on a shipped model, long enough to be met at its work. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const data = (name: string) => join(fixtures, 'data', name);

export interface Job {
  readonly args: readonly string[];
  /** Puts what the command reads into its folder. */
  prepare(folder: string): void;
  /** Whether it keeps checkpoints, from which the same command goes on. */
  readonly trains: boolean;
}

const model = (name: string) => (folder: string) =>
  cpSync(join(fixtures, 'models', `${name}.onnx`), join(folder, `${name}.onnx`));

const training = ['--data', data('glyphs-grey.npz'), '--evaluate', '60', '--no-measure'];

/** @param brief  the shortest work that still leaves checkpoints, and no browser */
export const jobsOf = (brief: boolean): Readonly<Record<string, Job>> => {
  // Checkpoints are written every 200 batches.
  const length = brief ? ['--epochs', '3', '--batch', '2'] : ['--epochs', '20', '--batch', '8'];
  const targets = brief ? ['--targets', 'wasm', '--no-demo'] : ['--targets', 'wasm,webgpu'];
  return {
    distill: {
      args: ['distill', 'glyphs-mlp.onnx', '--width', '0.5', '--int8', ...training, ...length],
      prepare: model('glyphs-mlp'),
      trains: true,
    },
    finetune: {
      args: ['finetune', 'glyphs-mlp.onnx', ...training, ...length],
      prepare: model('glyphs-mlp'),
      trains: true,
    },
    bundle: {
      args: [
        ...['bundle', 'glyphs-cnn.onnx', '-o', 'bundle', '--data', data('glyphs')],
        ...['--calibrate', '30', '--evaluate', '30', ...targets],
      ],
      prepare: model('glyphs-cnn'),
      trains: false,
    },
  };
};
