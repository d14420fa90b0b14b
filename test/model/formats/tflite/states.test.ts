/** What is kept from one run to the next: run after run of LiteRT, against onnxruntime that is handed the states back.
 *  keyword_scrambled.tflite is TensorFlow Lite Micro's (Apache-2.0): a keyword spotter of seven SVDFs whose weights were made
 *  unusable, so that its answer stays the same. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import { dtypeOf, shapeOf } from '../../../../src/model/ir/model.ts';
import { elementCount, numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../../src/support/random.ts';
import { largestDifference, normalTensor, runModel } from '../../../run-model.ts';
import { litertMissing, runLitert } from './litert.ts';
import { constant, type TinyGraph, type TinyTensor, tinyFile } from './tiny-file.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const next = '/next';

/** Outputs of each run; states come back from the run before, zeros at first. */
async function runsOf(bytes: Uint8Array, feeds: readonly Tensor[]): Promise<Tensor[]> {
  const { model } = openModelBytes(bytes, { name: 'tiny.tflite' });
  const [x, ...states] = model.graph.inputs;
  let held = Object.fromEntries(
    states.map((v) => {
      const dims = shapeOf(v)!.map((d, axis) => (typeof d === 'number' ? d : feeds[0]!.dims[axis]!));
      return [v.name, tensorOf(dtypeOf(v)!, dims, Array<number>(elementCount(dims)).fill(0))];
    }),
  );
  expect(states.length).toBeGreaterThan(0);
  const results: Tensor[] = [];
  for (const feed of feeds) {
    const all = await runModel(engine, model, { [x!.name]: feed, ...held });
    held = Object.fromEntries(states.map(({ name }) => [name, all[`${name}${next}`]!]));
    results.push(...Object.entries(all).flatMap(([name, t]) => (name.endsWith(next) ? [] : [t])));
  }
  return results;
}

interface Case {
  readonly name: string;
  readonly file: Uint8Array;
  readonly feeds: readonly Tensor[];
  /** In steps for integers, else relative. */
  readonly tolerance: number;
}

const float = (...dims: number[]): TinyTensor => ({ dims, type: 'float32' });
const kept = (...dims: number[]): TinyTensor => ({ ...float(...dims), isVariable: true });
const weights = (...dims: number[]) => constant(normalTensor(dims, dims.length * 3));
const feeds = (...dims: number[]) => [1, 2, 3, 4, 5].map((seed) => normalTensor(dims, seed));
const scaled = (type: 'int8' | 'int16' | 'int32', dims: readonly number[], scale: number, most: number) => {
  const random = createRandom(dims.length + most);
  const values = Array.from({ length: elementCount(dims) }, () => random.integer(2 * most) - most);
  return constant(tensorOf(type, dims, values), { scale: [scale], zeroPoint: [0] });
};

const one = (operator: TinyGraph['operators'][number], tensors: TinyGraph['tensors']) =>
  tinyFile([{ tensors, inputs: ['x'], outputs: ['y'], operators: [operator] }]);

function svdf(rank: number, tensors: TinyGraph['tensors'], activation = 0): Uint8Array {
  const inputs = ['x', 'features', 'time', tensors['bias'] ? 'bias' : '', 'state'];
  const options = ['SVDFOptions', { rank, fusedActivationFunction: activation }] as const;
  return one({ op: 'SVDF', version: 3, inputs, outputs: ['y'], options }, tensors);
}

const lstm = (more: TinyGraph['tensors']) => {
  const names = ['ii', 'if', 'ic', 'io', 'ri', 'rf', 'rc', 'ro', 'pi', 'pf', 'po', 'bi', 'bf', 'bc', 'bo'];
  const gate = (name: string) => weights(4, ...({ i: [3], r: [4] }[name[0]!] ?? []));
  const used = names.filter((name) => !name.startsWith('p'));
  const tensors: TinyGraph['tensors'] = {
    ...Object.fromEntries(used.map((name) => [name, gate(name)])),
    ...{ x: float(2, 3), y: float(2, 4), out: kept(2, 4), cell: kept(2, 4), ...more },
  };
  const inputs = ['x', ...names.map((name) => (tensors[name] ? name : '')), '', '', 'out', 'cell'];
  const options = ['LSTMOptions', { fusedActivationFunction: 4 }] as const;
  return one({ op: 'LSTM', inputs, outputs: ['y'], options }, tensors);
};

const handle: TinyTensor = { dims: [], type: 'resource' };

/** y = kept + x, which is kept, and which is read once more. @param start  what it starts from */
function counter(start: readonly number[]): Uint8Array {
  const options = ['VarHandleOptions', { container: '', sharedName: 'sum' }] as const;
  const variable = (name: string) => ({ op: 'VAR_HANDLE', inputs: [], outputs: [name], options });
  const main: TinyGraph = {
    tensors: { x: float(3), h: handle, before: float(3), sum: float(3), after: float(3), y: float(3) },
    ...{ inputs: ['x'], outputs: ['y'] },
    operators: [
      { op: 'CALL_ONCE', inputs: [], outputs: [], options: ['CallOnceOptions', { initSubgraphIndex: 1 }] },
      variable('h'),
      { op: 'READ_VARIABLE', inputs: ['h'], outputs: ['before'] },
      { op: 'ADD', inputs: ['before', 'x'], outputs: ['sum'], options: ['AddOptions', {}] },
      { op: 'ASSIGN_VARIABLE', inputs: ['h', 'sum'], outputs: [] },
      { op: 'READ_VARIABLE', inputs: ['h'], outputs: ['after'] },
      { op: 'MUL', inputs: ['after', 'before'], outputs: ['y'], options: ['MulOptions', {}] },
    ],
  };
  const once: TinyGraph = {
    tensors: { h: handle, start: constant(tensorOf('float32', [3], start)) },
    ...{ inputs: [], outputs: [] },
    operators: [variable('h'), { op: 'ASSIGN_VARIABLE', inputs: ['h', 'start'], outputs: [] }],
  };
  return tinyFile([main, once]);
}

const spotter = readFileSync(new URL('./keyword_scrambled.tflite', import.meta.url));

const frames = Array.from({ length: 40 }, (_, i) => {
  const values = numbers(normalTensor([1, 96], i)).map((v) => Math.round(Math.abs(v) * 6000));
  return tensorOf('int16', [1, 96], values);
});

const cases: readonly Case[] = [
  {
    name: 'SVDF of rank 1, without a bias',
    file: svdf(1, {
      x: float(2, 3),
      features: weights(4, 3),
      time: weights(4, 3),
      state: kept(2, 12),
      y: float(2, 4),
    }),
    feeds: feeds(2, 3),
    tolerance: 1e-5,
  },
  {
    name: 'SVDF of rank 2, with a bias and Relu',
    file: svdf(
      2,
      {
        x: float(1, 3),
        features: weights(6, 3),
        time: weights(6, 4),
        bias: weights(3),
        state: kept(1, 24),
        y: float(1, 3),
      },
      1,
    ),
    feeds: feeds(1, 3),
    tolerance: 1e-5,
  },
  {
    name: 'SVDF with weights in int8',
    file: svdf(1, {
      ...{
        x: float(1, 8),
        features: scaled('int8', [4, 8], 0.02, 127),
        time: scaled('int8', [4, 3], 0.03, 127),
      },
      ...{ bias: weights(4), state: kept(1, 12), y: float(1, 4) },
    }),
    feeds: feeds(1, 8),
    // LiteRT rounds activations to 8 bits while it runs.
    tolerance: 0.02,
  },
  {
    name: 'SVDF in integers',
    file: svdf(
      1,
      {
        x: { dims: [1, 8], type: 'int8', scale: [0.05], zeroPoint: [3] },
        features: scaled('int8', [4, 8], 0.02, 127),
        time: scaled('int16', [4, 3], 0.001, 2000),
        bias: scaled('int32', [4], 1e-6, 1e5),
        state: { dims: [1, 12], type: 'int16', scale: [0.001], zeroPoint: [0], isVariable: true },
        y: { dims: [1, 4], type: 'int8', scale: [0.2], zeroPoint: [-128] },
      },
      1,
    ),
    feeds: feeds(1, 8).map((t) =>
      tensorOf(
        'int8',
        t.dims,
        numbers(t).map((v) => Math.round(v * 30)),
      ),
    ),
    tolerance: 1,
  },
  {
    name: 'RNN',
    file: one(
      {
        ...{ op: 'RNN', inputs: ['x', 'w', 'r', 'b', 'state'], outputs: ['y'] },
        options: ['RNNOptions', { fusedActivationFunction: 4 }],
      },
      {
        x: float(2, 3),
        w: weights(4, 3),
        r: weights(4, 4),
        b: weights(4),
        state: kept(2, 4),
        y: float(2, 4),
      },
    ),
    feeds: feeds(2, 3),
    tolerance: 1e-5,
  },
  { name: 'LSTM', file: lstm({}), feeds: feeds(2, 3), tolerance: 1e-5 },
  {
    name: 'LSTM that looks at its cell',
    file: lstm({ pi: weights(4), pf: weights(4), po: weights(4) }),
    feeds: feeds(2, 3),
    tolerance: 1e-5,
  },
  { name: 'a variable', file: counter([0, 0, 0]), feeds: feeds(3), tolerance: 1e-5 },
  { name: 'a keyword spotter in integers', file: spotter, feeds: frames, tolerance: 0 },
];

describe('states', () => {
  it.skipIf(litertMissing !== null).each(cases)('$name', async ({ file, feeds: given, tolerance }) => {
    const [first, ...further] = given.map((t) => [t]);
    const [theirs] = runLitert([{ model: file, inputs: first!, further }]);
    if (!theirs || 'error' in theirs) throw new Error(`LiteRT refuses it: ${theirs?.error}`);
    const ours = await runsOf(file, given);
    expect(ours.map((t) => t.dims)).toEqual(theirs.map((t) => t.dims));
    for (const [i, t] of theirs.entries()) {
      const { difference, magnitude } = largestDifference(t, ours[i]!);
      const most = t.dtype === 'float32' ? tolerance * Math.max(1, magnitude) : tolerance;
      expect(difference, `run ${i}`).toBeLessThanOrEqual(most);
    }
  });

  it('are as many as the operators that keep one, in real numbers', () => {
    const { inputs, outputs } = openModelBytes(spotter, { name: 'spotter.tflite' }).model.graph;
    expect(inputs.slice(1).map(dtypeOf)).toEqual(Array(7).fill('float32'));
    expect(outputs.slice(1).map((v) => v.name)).toEqual(inputs.slice(1).map((v) => `${v.name}${next}`));
  });

  it('go by the names that a file gives to variables', () => {
    const { inputs, outputs } = openModelBytes(counter([0, 0, 0]), { name: 'tiny.tflite' }).model.graph;
    expect(inputs.map((v) => v.name)).toEqual(['x', 'sum']);
    expect(outputs.map((v) => v.name)).toEqual(['y', 'sum/next']);
  });

  it('are not read where they start from other values than zeros', () => {
    expect(() => openModelBytes(counter([0, 1, 0]), { name: 'tiny.tflite' })).toThrow(
      expect.objectContaining({ code: 'TFLITE_OPERATOR_FORM' }),
    );
  });

  it('are not read where an input is none, and in a branch', () => {
    const tensors = { x: float(2, 3), features: weights(4, 3), time: weights(4, 3), y: float(2, 4) };
    const fixed = svdf(1, { ...tensors, state: weights(2, 12) });
    const inside = (graph: TinyGraph) => ({ ...graph, tensors: { ...graph.tensors, state: kept(2, 12) } });
    const body = inside({
      ...{ tensors, inputs: ['x'], outputs: ['y'] },
      operators: [
        {
          ...{ op: 'SVDF', inputs: ['x', 'features', 'time', '', 'state'], outputs: ['y'] },
          options: ['SVDFOptions', { rank: 1 }],
        },
      ],
    });
    const main: TinyGraph = {
      tensors: { c: { dims: [], type: 'bool' }, x: float(2, 3), y: float(2, 4) },
      ...{ inputs: ['c', 'x'], outputs: ['y'] },
      operators: [
        {
          ...{ op: 'IF', inputs: ['c', 'x'], outputs: ['y'] },
          options: ['IfOptions', { thenSubgraphIndex: 1, elseSubgraphIndex: 1 }],
        },
      ],
    };
    for (const file of [fixed, tinyFile([main, body])])
      expect(() => openModelBytes(file, { name: 'tiny.tflite' })).toThrow(
        expect.objectContaining({ code: 'TFLITE_OPERATOR_FORM' }),
      );
  });
});
