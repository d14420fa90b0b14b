/** Complex numbers and Fourier transforms: as TensorFlow.js computes them. */
import { describe, expect, it } from 'vitest';
import { openModelBytes } from '../../../../../src/model/formats/opened.ts';
import { checkRows, expectSame, type GraphNode, readTiny, type TinyGraph, whole, x } from '../tiny-graph.ts';

const node = (name: string, op: string, ...input: string[]): GraphNode => ({ name, op, input });

/** Both parts of `op` on a complex tensor of that shape. */
const onComplex = (dims: readonly number[], ...nodes: GraphNode[]): TinyGraph => ({
  given: { re: x(...dims), im: { ...x(...dims, 1), tensor: x(...dims).tensor } },
  nodes: [
    node('turned', 'Sin', 'im'),
    node('c', 'Complex', 're', 'turned'),
    ...nodes,
    node('real', 'Real', 'y'),
    node('imag', 'Imag', 'y'),
  ],
  outputs: ['real:0', 'imag:0'],
});

describe('a transform of complex numbers', () => {
  // Float32, summed up in another order.
  it.each([[[8]], [[3, 7]], [[2, 3, 16]], [[1, 1]], [[4, 120]], [[2, 300]], [[1, 499]]])(
    'of %j',
    async (dims) => {
      await expectSame(onComplex(dims, node('y', 'FFT', 'c')), 5e-6);
      await expectSame(onComplex(dims, node('y', 'IFFT', 'c')), 5e-6);
    },
  );
});

describe('a transform of a real signal', () => {
  it.each([[[8]], [[3, 7]], [[2, 3, 16]], [[1, 256]], [[2, 480]], [[5, 2]]])(
    'of %j, and back',
    async (dims) => {
      const n = dims.at(-1)!;
      await expectSame(
        {
          given: { x: x(...dims), n: { ...whole([1], [n]), constant: true } },
          nodes: [
            node('y', 'RFFT', 'x', 'n'),
            node('real', 'Real', 'y'),
            node('imag', 'Imag', 'y'),
            node('size', 'ComplexAbs', 'y'),
            node('back', 'IRFFT', 'y', 'n'),
          ],
          outputs: ['real:0', 'imag:0', 'size:0', 'back:0'],
        },
        5e-6,
      );
    },
  );
});

it('a transform of a long prime length is refused with the length', () =>
  expect(() => readTiny(onComplex([1, 2053], node('y', 'FFT', 'c')))).toThrow(
    expect.objectContaining({ code: 'TFJS_OPERATOR_FORM', message: expect.stringContaining('2053') }),
  ));

describe('complex numbers', () => {
  it('are added, subtracted and multiplied, with real ones too', async () => {
    for (const op of ['Mul', 'AddV2', 'Sub']) {
      await expectSame(onComplex([2, 3], node('d', 'FFT', 'c'), node('y', op, 'c', 'd')));
    }
  });

  it('keep their parts in another shape', () =>
    expectSame({
      ...onComplex([2, 6], node('i', 'Identity', 'c'), node('y', 'Reshape', 'i', 'shape')),
      given: { ...onComplex([2, 6]).given, shape: { ...whole([2], [3, -1]), constant: true } },
    }));

  it('are constants, stored in pairs', async () => {
    const json = {
      modelTopology: {
        versions: {},
        node: [
          {
            name: 'x',
            op: 'Placeholder',
            attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '2' }] } } },
          },
          { name: 'w', op: 'Const', attr: { dtype: { type: 'DT_COMPLEX64' } } },
          { name: 'c', op: 'Complex', input: ['x', 'x'], attr: {} },
          { name: 'p', op: 'Mul', input: ['c', 'w'], attr: {} },
          { name: 'y', op: 'Imag', input: ['p'], attr: {} },
        ],
      },
      weightsManifest: [{ paths: ['w'], weights: [{ name: 'w', shape: [2], dtype: 'complex64' }] }],
    };
    const bytes = new TextEncoder().encode(JSON.stringify(json));
    const w = new Uint8Array(Float32Array.of(1, 2, 3, -4).buffer);
    const { model } = openModelBytes(bytes, { name: 'model.json', data: new Map([['w', w]]) });
    expect(model.graph.outputs[0]!.type).toMatchObject({ dtype: 'float32', shape: [2] });
  });

  it.each([
    ['an operator that has no form for them', [node('y', 'Relu', 'c')]],
    ['an output', [node('y', 'FFT', 'c')]],
  ])('are refused at %s, by name', (_, nodes) => {
    const graph = { ...onComplex([2, 3], ...nodes), outputs: ['y:0'] };
    expect(() => readTiny(graph)).toThrow(
      expect.objectContaining({ code: 'TFJS_OPERATOR_FORM', message: expect.stringContaining('"y"') }),
    );
  });
});

describe('of real numbers', () => {
  checkRows([{ op: 'ComplexAbs', inputs: [x(2, 3)] }]);
});
