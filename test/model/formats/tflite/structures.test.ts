/** Branches, loops, recurrent networks, detections, volumes, MediaPipe's own operators: what we read computes what LiteRT
 *  computes. */
import { encode } from 'flatbuffers/js/flexbuffers.js';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import { elementCount, numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { normalTensor, runModel } from '../../../run-model.ts';

import { litertMissing, runLitert } from './litert.ts';
import {
  type Case,
  checkAll,
  flags,
  given,
  list,
  type Operand,
  real,
  scalar,
  weights,
  whole,
} from './one-operator.ts';
import { constant, type TinyGraph, type TinyTensor, tinyFile } from './tiny-file.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});
const check = (cases: readonly Case[]) => checkAll(() => engine, cases);

const float = (...dims: number[]) => ({ dims, type: 'float32' }) as const;

/** y = x op x. */
const twice = (op: string, table: 'AddOptions' | 'MulOptions'): TinyGraph => ({
  tensors: { a: float(3), b: float(3) },
  inputs: ['a'],
  outputs: ['b'],
  operators: [{ op, inputs: ['a', 'a'], outputs: ['b'], options: [table, {}] }],
});

describe('IF', () => {
  const options: Case['options'] = ['IfOptions', { thenSubgraphIndex: 1, elseSubgraphIndex: 2 }];
  check(
    [1, 0].map((condition) => ({
      name: condition ? 'taken' : 'not taken',
      op: 'IF',
      inputs: [flags([], [condition]), given(3)],
      outputs: [{ dims: [3] }],
      options,
      called: [twice('ADD', 'AddOptions'), twice('MUL', 'MulOptions')],
    })),
  );
});

describe('STABLEHLO', () => {
  const named = { name: 'odml.gelu', compositeAttributes: encode({}) };
  const attention: TinyGraph = {
    tensors: { a: float(3), b: float(3), c: float(3), scale: constant(tensorOf('float32', [], [0.5])) },
    inputs: ['a'],
    outputs: ['c'],
    operators: [
      { op: 'MUL', inputs: ['a', 'scale'], outputs: ['b'], options: ['MulOptions', {}] },
      {
        ...{ op: 'STABLEHLO_COMPOSITE', inputs: ['b'], outputs: ['c'] },
        options: ['StableHLOCompositeOptions', { ...named, decompositionSubgraphIndex: 2 }],
      },
    ],
  };
  const codes = { dims: [3], type: 'int8', scale: [0.1], zeroPoint: [5] } as const;
  const options: Case['options'] = ['StableHLOCompositeOptions', { ...named, decompositionSubgraphIndex: 1 }];
  const pair = (op: string) => ({
    ...{ name: op, op: `STABLEHLO_${op}`, inputs: [given(2, 3), weights(2, 3)], outputs: [{ dims: [2, 3] }] },
  });
  check([
    {
      ...{ name: 'a composite within a composite', op: 'STABLEHLO_COMPOSITE', options },
      ...{ inputs: [given(3)], outputs: [{ dims: [3] }] },
      called: [attention, twice('ADD', 'AddOptions')],
    },
    {
      ...{ name: 'a composite of integers', op: 'STABLEHLO_COMPOSITE', options },
      inputs: [{ tensor: tensorOf('int8', [3], [-4, 30, 90]), more: codes }],
      outputs: [{ dims: [3], type: 'int8', more: { ...codes, scale: [0.3] } }],
      called: [
        {
          tensors: { a: codes, b: { ...codes, scale: [0.3] } },
          inputs: ['a'],
          outputs: ['b'],
          operators: [{ op: 'ADD', inputs: ['a', 'a'], outputs: ['b'], options: ['AddOptions', {}] }],
        },
      ],
    },
    ...['ADD', 'MULTIPLY', 'MAXIMUM', 'MINIMUM'].map(pair),
    {
      ...{ name: 'AND', op: 'STABLEHLO_AND', outputs: [{ dims: [4], type: 'bool' as const }] },
      inputs: [flags([4], [1, 0, 1, 0]), flags([4], [1, 1, 0, 0])],
    },
  ]);

  it('refuses a composite that is made of itself', () => {
    const own: TinyGraph = {
      ...{ tensors: { a: float(3), c: float(3) }, inputs: ['a'], outputs: ['c'] },
      operators: [
        {
          ...{ op: 'STABLEHLO_COMPOSITE', inputs: ['a'], outputs: ['c'] },
          options: ['StableHLOCompositeOptions', { ...named, decompositionSubgraphIndex: 0 }],
        },
      ],
    };
    expect(() => openModelBytes(tinyFile([own]), { name: 'tiny.tflite' })).toThrow(
      expect.objectContaining({ code: 'TFLITE_MALFORMED' }),
    );
  });
});

describe('WHILE', () => {
  const int = (...dims: number[]) => ({ dims, type: 'int32' }) as const;
  const condition: TinyGraph = {
    tensors: {
      i: int(),
      v: float(3),
      limit: constant(tensorOf('int32', [], [4])),
      goes: { dims: [], type: 'bool' },
    },
    inputs: ['i', 'v'],
    outputs: ['goes'],
    operators: [{ op: 'LESS', inputs: ['i', 'limit'], outputs: ['goes'] }],
  };
  const body: TinyGraph = {
    tensors: { i: int(), v: float(3), one: constant(tensorOf('int32', [], [1])), j: int(), w: float(3) },
    inputs: ['i', 'v'],
    outputs: ['j', 'w'],
    operators: [
      { op: 'ADD', inputs: ['i', 'one'], outputs: ['j'], options: ['AddOptions', {}] },
      { op: 'ADD', inputs: ['v', 'v'], outputs: ['w'], options: ['AddOptions', {}] },
    ],
  };
  check([
    {
      name: 'doubles four times',
      op: 'WHILE',
      inputs: [whole([], [0]), given(3)],
      outputs: [{ dims: [], type: 'int32' }, { dims: [3] }],
      options: ['WhileOptions', { condSubgraphIndex: 1, bodySubgraphIndex: 2 }],
      called: [condition, body],
    },
  ]);
});

/** Seeded and small, so that gates are between their limits. */
const weight = (...dims: number[]): Operand => ({
  tensor: tensorOf(
    'float32',
    dims,
    Array.from({ length: elementCount(dims) }, (_, i) => Math.sin(i * 1.7 + dims.length + dims[0]!) * 0.5),
  ),
  isConstant: true,
});
const state = (...dims: number[]): Operand => ({
  tensor: tensorOf('float32', dims, Array(elementCount(dims)).fill(0)),
  isConstant: true,
  more: { isVariable: true, bytes: undefined as never },
});

interface LstmForm {
  readonly coupled?: boolean;
  readonly peephole?: boolean;
  readonly projection?: boolean;
  readonly norm?: boolean;
}

const [batch, time, inputs, units] = [2, 5, 3, 4] as const;

/** Inputs 1 to 17 of an LSTM. */
function lstmWeights({ coupled, peephole, projection }: LstmForm): (Operand | null)[] {
  const outputs = projection ? 2 : units;
  const four = (...dims: number[]) => [
    coupled ? null : weight(...dims),
    weight(...dims),
    weight(...dims),
    weight(...dims),
  ];
  return [
    ...four(units, inputs),
    ...four(units, outputs),
    ...(peephole ? [coupled ? null : weight(units), weight(units), weight(units)] : [null, null, null]),
    ...four(units),
    projection ? weight(outputs, units) : null,
    projection ? weight(outputs) : null,
  ];
}

describe('LSTM over a sequence', () => {
  const lstm = (name: string, form: LstmForm, settings: Record<string, number> = {}): Case => {
    const outputs = form.projection ? 2 : units;
    const isTimeMajor = settings['timeMajor'] === 1;
    const norms = [form.coupled ? null : weight(units), weight(units), weight(units), weight(units)];
    return {
      name,
      op: 'UNIDIRECTIONAL_SEQUENCE_LSTM',
      inputs: [
        isTimeMajor ? given(time, batch, inputs) : given(batch, time, inputs),
        ...lstmWeights(form),
        state(batch, outputs),
        state(batch, units),
        ...(form.norm ? norms : []),
      ],
      outputs: [{ dims: isTimeMajor ? [time, batch, outputs] : [batch, time, outputs] }],
      options: ['UnidirectionalSequenceLSTMOptions', { fusedActivationFunction: 4, ...settings }],
    };
  };
  check([
    lstm('plain', {}),
    lstm('time first', {}, { timeMajor: 1 }),
    lstm('with a limit that it never reaches', {}, { cellClip: 10 }),
    lstm('with a limit that it reaches', {}, { cellClip: 0.2 }),
    lstm('with coupled gates', { coupled: true }),
    lstm('with peepholes', { peephole: true }),
    lstm('with a projection that is clipped', { projection: true }, { projClip: 0.3 }),
    lstm('with layer normalisation', { norm: true }),
    lstm('with all of it', { coupled: true, peephole: true, projection: true, norm: true }),
    ...[0, 1].map(
      (merge): Case => ({
        name: `in both directions, ${merge ? 'side by side' : 'two outputs'}`,
        op: 'BIDIRECTIONAL_SEQUENCE_LSTM',
        inputs: [
          // Batch first, LiteRT takes the wrong states for the second sample when it merges.
          given(time, batch, inputs),
          ...lstmWeights({}),
          ...lstmWeights({}),
          state(batch, units),
          state(batch, units),
          state(batch, units),
          state(batch, units),
          ...Array<null>(9).fill(null),
        ],
        outputs: merge
          ? [{ dims: [time, batch, 2 * units] }]
          : [{ dims: [time, batch, units] }, { dims: [time, batch, units] }],
        options: [
          'BidirectionalSequenceLSTMOptions',
          { fusedActivationFunction: 4, mergeOutputs: merge, timeMajor: 1 },
        ],
      }),
    ),
    {
      name: 'one step of it',
      op: 'LSTM',
      inputs: [
        given(batch, inputs),
        given(batch, units),
        weight(4 * units, inputs + units),
        weight(4 * units),
        given(batch, units),
      ],
      outputs: [
        { dims: [batch, units] },
        { dims: [batch, units] },
        { dims: [batch, inputs + units] },
        { dims: [batch, 4 * units] },
      ],
      options: ['LSTMOptions', { kernelType: 1, fusedActivationFunction: 4 }],
    },
  ]);
});

/** An LSTM in integers: int8 with a cell of 16 bits. */
describe('LSTM over a sequence in integers', () => {
  const codes = (...dims: number[]): Operand => ({
    tensor: tensorOf(
      'int8',
      dims,
      Array.from({ length: elementCount(dims) }, (_, i) => ((i * 67 + dims[1]! * 31) % 255) - 127),
    ),
    isConstant: true,
    more: { scale: [0.005] },
  });
  const bias = (scale: number): Operand => ({
    tensor: tensorOf('int32', [units], [500, -700, 900, 0]),
    isConstant: true,
    more: { scale: [scale] },
  });
  const none = { bytes: undefined as never, isVariable: true };
  const between: TinyTensor = { dims: [], type: 'int16', scale: [2 ** -12] };
  const grid = { scale: [1 / 128], zeroPoint: [0] };
  check([
    {
      name: 'batch first',
      op: 'UNIDIRECTIONAL_SEQUENCE_LSTM',
      inputs: [
        {
          tensor: tensorOf(
            'int8',
            [batch, time, inputs],
            Array.from({ length: batch * time * inputs }, (_, i) => ((i * 41) % 250) - 125),
          ),
          more: { scale: [0.02], zeroPoint: [5] },
        },
        ...Array.from({ length: 4 }, () => codes(units, inputs)),
        ...Array.from({ length: 4 }, () => codes(units, units)),
        null,
        null,
        null,
        ...Array.from({ length: 4 }, () => bias(0.02 * 0.005)),
        null,
        null,
        {
          ...state(batch, units),
          tensor: tensorOf('int8', [batch, units], Array(8).fill(0)),
          more: { ...none, ...grid },
        },
        {
          ...state(batch, units),
          tensor: tensorOf('int16', [batch, units], Array(8).fill(0)),
          more: { ...none, scale: [2 ** -11] },
        },
        null,
        null,
        null,
        null,
      ],
      outputs: [{ dims: [batch, time, units], type: 'int8', more: grid }],
      intermediates: [between, between, between, between, { dims: [], type: 'int8', ...grid }],
      options: ['UnidirectionalSequenceLSTMOptions', { fusedActivationFunction: 4 }],
      // Gates of 16 bits.
      tolerance: 1,
    },
  ]);
});

describe('RNN over a sequence', () => {
  check([
    ...[1, 4].map(
      (fused): Case => ({
        name: fused === 1 ? 'relu' : 'tanh',
        op: 'UNIDIRECTIONAL_SEQUENCE_RNN',
        inputs: [
          given(batch, time, inputs),
          weight(units, inputs),
          weight(units, units),
          weight(units),
          state(batch, units),
        ],
        outputs: [{ dims: [batch, time, units] }],
        options: ['SequenceRNNOptions', { fusedActivationFunction: fused }],
      }),
    ),
    {
      name: 'in both directions',
      op: 'BIDIRECTIONAL_SEQUENCE_RNN',
      inputs: [
        given(batch, time, inputs),
        ...[0, 1].flatMap(() => [
          weight(units, inputs),
          weight(units, units),
          weight(units),
          state(batch, units),
        ]),
        null,
        null,
        null,
      ],
      outputs: [{ dims: [batch, time, 2 * units] }],
      options: ['BidirectionalSequenceRNNOptions', { fusedActivationFunction: 4, mergeOutputs: 1 }],
    },
  ]);
});

const boxes: Operand = {
  tensor: tensorOf(
    'float32',
    [6, 4],
    [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101],
  ),
};
const scores: Operand = { tensor: tensorOf('float32', [6], [0.9, 0.75, 0.6, 0.95, 0.5, 0.3]) };

describe('non-maximum suppression', () => {
  check([
    {
      name: 'V4',
      op: 'NON_MAX_SUPPRESSION_V4',
      inputs: [boxes, scores, scalar(5), real(0.5), real(0.4)],
      outputs: [
        { dims: [5], type: 'int32' },
        { dims: [], type: 'int32' },
      ],
    },
    {
      name: 'V5',
      op: 'NON_MAX_SUPPRESSION_V5',
      inputs: [boxes, scores, scalar(2), real(0.5), real(0), real(0)],
      outputs: [{ dims: [2], type: 'int32' }, { dims: [2] }, { dims: [], type: 'int32' }],
    },
  ]);
});

describe('TFLite_Detection_PostProcess', () => {
  const settings = {
    max_detections: 3,
    max_classes_per_detection: 1,
    detections_per_class: 2,
    nms_score_threshold: 0.25,
    nms_iou_threshold: 0.5,
    num_classes: 2,
    y_scale: 10,
    x_scale: 10,
    h_scale: 5,
    w_scale: 5,
  };
  const anchors: Operand = {
    tensor: tensorOf(
      'float32',
      [6, 4],
      [0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 0.5, 10.5, 1, 1, 0.5, 10.5, 1, 1, 0.5, 100.5, 1, 1],
    ),
    isConstant: true,
  };
  const encodings: Operand = {
    tensor: tensorOf(
      'float32',
      [1, 6, 4],
      [0, 0, 0, 0, 0, 1, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    ),
  };
  const classes: Operand = {
    tensor: tensorOf(
      'float32',
      [1, 6, 3],
      [0, 0.9, 0.8, 0, 0.75, 0.72, 0, 0.6, 0.5, 0, 0.93, 0.95, 0, 0.5, 0.4, 0, 0.3, 0.2],
    ),
  };
  check(
    [false, true].map((isRegular) => ({
      name: isRegular ? 'by class' : 'by box',
      op: 'TFLite_Detection_PostProcess',
      inputs: [encodings, classes, anchors],
      outputs: [{ dims: [1, 3, 4] }, { dims: [1, 3] }, { dims: [1, 3] }, { dims: [1] }],
      customOptions: encode({ ...settings, use_regular_nms: isRegular }),
    })),
  );
});

describe('volumes', () => {
  const settings = { strideD: 1, strideH: 2, strideW: 1, padding: 0 };
  check([
    {
      name: 'CONV_3D',
      op: 'CONV_3D',
      inputs: [given(1, 4, 5, 6, 2), weights(3, 3, 3, 2, 3), weights(3)],
      outputs: [{ dims: [1, 4, 3, 6, 3] }],
      options: ['Conv3DOptions', settings],
    },
    {
      name: 'CONV_3D_TRANSPOSE',
      op: 'CONV_3D_TRANSPOSE',
      inputs: [list(1, 4, 10, 6, 3), weights(3, 3, 3, 3, 2), given(1, 4, 5, 6, 2), weights(3)],
      outputs: [{ dims: [1, 4, 10, 6, 3] }],
      options: ['Conv3DOptions', settings],
    },
  ]);
});

describe("MediaPipe's pools", () => {
  const settings = new Uint8Array(Int32Array.of(2, 2, 2, 2, 2, 0, 0, 0, 0, 0).buffer);
  const file = tinyFile([
    {
      tensors: { x: float(1, 6, 6, 2), y: float(1, 3, 3, 2), at: float(1, 3, 3, 2), z: float(1, 6, 6, 2) },
      inputs: ['x'],
      outputs: ['y', 'z'],
      operators: [
        { op: 'MaxPoolingWithArgmax2D', inputs: ['x'], outputs: ['y', 'at'], customOptions: settings },
        { op: 'MaxUnpooling2D', inputs: ['y', 'at'], outputs: ['z'], customOptions: settings },
      ],
    },
  ]);
  // Only XNNPACK knows them.
  it.skipIf(litertMissing !== null)('take the largest and put it back where it was', async () => {
    const x = normalTensor([1, 6, 6, 2], 3);
    const [theirs] = runLitert([{ model: file, inputs: [x], delegate: true }]);
    const ours = await runModel(engine, openModelBytes(file, { name: 'pools.tflite' }).model, { x });
    expect(Object.values(ours).map(numbers)).toEqual((theirs as Tensor[]).map(numbers));
  });
  it('say where in its window the largest is', async () => {
    const { model } = openModelBytes(file, { name: 'pools.tflite', outputs: ['at'] });
    const x = tensorOf(
      'float32',
      [1, 6, 6, 2],
      Array.from({ length: 72 }, (_, i) => -i),
    );
    const { at } = await runModel(engine, model, { x });
    // The first of each window; 0.1 more, as MediaPipe has it.
    expect(numbers(at!)).toEqual(Array(18).fill(Math.fround(0.1)));
  });
});
