import { describe, expect, it } from 'vitest';
import { preset } from '../../../src/compress/compress.ts';
import type { DataSource } from '../../../src/data/source.ts';
import { nextSteps } from '../../../src/judge/report/next-steps.ts';
import { createModel } from '../../../src/model/ir/edit.ts';

type Parts = Parameters<typeof nextSteps>[0];

const source: DataSource = {
  name: 'val.npz (100 samples)',
  kind: 'npz',
  length: 100,
  labelled: false,
  classes: null,
  guessed: [],
  preprocessing: null,
  hash: async () => '',
  read: async () => ({ id: '0', inputs: {} }),
};

const preparedOf = (from: DataSource) => ({
  source: from,
  calibration: [],
  training: [],
  held: { source: from, indices: [] },
});

/** What is known of `compress m.onnx --int8 --data val.npz`, not compared. */
const parts = (changes: Partial<DataSource>, staged: Parts['staged'] = null): Parts => ({
  options: {
    input: 'm.onnx',
    recipe: preset('int8-static'),
    command: 'compress m.onnx --int8 --data val.npz',
    data: { path: 'val.npz' },
  },
  result: { file: 'm.int8.onnx' },
  data: preparedOf({ ...source, ...changes }),
  pair: null,
  measured: null,
  layers: [],
  training: [],
  staged,
});

const commands = (known: Parts) => nextSteps(known, 'static').map(({ command }) => command);

describe('what to try next', () => {
  it('keeps data of its own that is compared on', () => {
    const known = parts({});
    const data = { path: 'val.npz', test: { path: 'te st.npz' } };
    expect(commands({ ...known, options: { ...known.options, data } })).toEqual([
      "compress m.onnx --int8 --data val.npz --test-data 'te st.npz' --test-labels <labels.csv>",
    ]);
  });

  it('is for the same model as before: with its sizes, outputs and preprocessing', () => {
    const known = parts({});
    const command =
      "compress m.onnx --int8 --sizes x:0=1,n=8 --preprocess tf --outputs '/a b' --data val.npz";
    expect(commands({ ...known, options: { ...known.options, command } })).toEqual([
      "compress m.onnx --int8 --data val.npz --preprocess tf --labels <labels.csv> --sizes x:0=1,n=8 --outputs '/a b'",
    ]);
  });

  it('asks for a text file where the model reads text', () => {
    const known = parts({});
    const options = { ...known.options, command: 'compress m.onnx --int8', data: undefined };
    const probe = { kind: 'made-up', what: 'tokens', samples: 4, readsText: true } as const;
    expect(commands({ ...known, options, probe })).toEqual(['compress m.onnx --int8 --data <text file>']);
    const drawn = { kind: 'made-up', what: 'drawn pictures', samples: 4 } as const;
    expect(commands({ ...known, options, probe: drawn })).toEqual([
      'compress m.onnx --int8 --data <folder or .npz>',
    ]);
  });

  it('is written in the format that was asked for, with a precision or without', () => {
    const clean = { ...parts({}), result: { file: 'm.clean.tflite' } };
    expect(nextSteps(clean, 'none').map(({ command }) => command)).toEqual([
      'compress m.onnx --int8 --data val.npz --format tflite',
      'compress m.onnx --fp16 --data val.npz --format tflite',
    ]);
  });

  it('is written in the format that was asked for', () => {
    const known = parts({});
    expect(commands({ ...known, result: { file: 'm.tflite' } })).toEqual([
      'compress m.onnx --int8 --data val.npz --labels <labels.csv> --format tflite',
    ]);
  });

  it('is a precision, where none was asked for', () => {
    const known = parts({});
    const plain = nextSteps({ ...known, options: { ...known.options, data: undefined } }, 'none');
    expect(plain.map(({ command }) => command)).toEqual(['compress m.onnx --int8', 'compress m.onnx --fp16']);
    expect(nextSteps(known, 'none')[0]?.command).toBe('compress m.onnx --int8 --data val.npz');
  });

  it('is to give labels, for data that has none', () => {
    expect(commands(parts({}))).toEqual(['compress m.onnx --int8 --data val.npz --labels <labels.csv>']);
  });

  it('is not to give labels where they were turned down', () => {
    const known = parts({});
    const options = { ...known.options, command: 'compress m.onnx --int8 --data val.npz --labels none' };
    expect(commands({ ...known, options })).toEqual([]);
  });

  it.each([
    ['a class for each sample', { labelled: true }],
    ['something else to train towards', { targeted: true }],
  ])('is not to give labels where the data holds %s', (_, changes) => {
    expect(commands(parts(changes))).toEqual([]);
  });

  it('is to train what was pruned, where that lost much', () => {
    const model = createModel({ opsets: new Map([['', 21]]), irVersion: 10 });
    const staged = { model, milestones: [], stages: [], skips: [], training: [] };
    const output = {
      name: 'scores',
      sqnrDb: 10,
      cosine: 0.9,
      maxAbsError: 1,
      top1Agreement: 0.9,
      nonFinite: 0,
    };
    const compare = { samples: 500, runtime: 'wasm', outputs: [output], disagreements: [] };
    const known = { ...parts({}, staged), pair: { compare, evaluation: null } };
    expect(commands(known)).toEqual(['compress m.onnx --int8 --data val.npz --distill']);
  });

  it('is to prune with data, where it was done without and nothing was compared', () => {
    const model = createModel({ opsets: new Map([['', 21]]), irVersion: 10 });
    const staged = { model, milestones: [], stages: [], skips: [], training: [] };
    const { options, ...known } = parts({}, staged);
    const blind = {
      ...known,
      options: { ...options, command: 'compress m.onnx --prune 50%', data: undefined },
    };
    expect(commands({ ...blind, pair: null })).toEqual([
      'compress m.onnx --prune 50% --data <folder or .npz>',
    ]);
  });

  it('is not to give labels after a step such as distillation, which the suggestion would leave out', () => {
    const model = createModel({ opsets: new Map([['', 21]]), irVersion: 10 });
    const staged = { model, milestones: [], stages: [], skips: [], training: [] };
    expect(commands(parts({}, staged))).toEqual([]);
  });
});
