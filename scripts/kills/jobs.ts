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
  /** When it is killed, for the most part: a training after a checkpoint, from which the same command goes on. */
  readonly met: 'at its start' | 'anywhere' | 'after a checkpoint';
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
      met: 'after a checkpoint',
    },
    finetune: {
      args: ['finetune', 'glyphs-mlp.onnx', ...training, ...length],
      prepare: model('glyphs-mlp'),
      met: 'after a checkpoint',
    },
    bundle: {
      args: [
        ...['bundle', 'glyphs-cnn.onnx', '-o', 'bundle', '--data', data('glyphs')],
        ...['--calibrate', '30', '--evaluate', '30', ...targets],
      ],
      prepare: model('glyphs-cnn'),
      met: 'anywhere',
    },
    compress: {
      args: ['glyphs-cnn.onnx', '--int8', '--data', data('glyphs'), '--calibrate', '30', '--no-measure'],
      prepare: model('glyphs-cnn'),
      met: 'at its start',
    },
  };
};
