import type { Attributes, Emitter } from '../../../../src/compute/autodiff/emitter.ts';
import { float, ints } from '../../../../src/model/ir/attribute.ts';
import type { Value } from '../../../../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

type Constants = Readonly<Record<number, Tensor>>;
interface Options {
  readonly attributes: Attributes;
  /** Inputs that are constants, by index; a hole between them and the others is a left-out input. */
  readonly constants?: Constants;
  readonly torch?: string;
  readonly opset?: number;
  /** Index of each case input among those of the operator; in order when absent. */
  readonly places?: readonly number[];
}

const attend = (op: string, name: string, inputs: number[][], options: Options): GradientCase => {
  const { attributes, constants = {}, torch, opset, places = inputs.map((_, i) => i) } = options;
  return {
    name: `${op} ${name}`,
    inputs,
    ...(opset ? { opset } : {}),
    ...(torch ? { torch } : {}),
    build(e: Emitter, ...values: Value[]) {
      const last = Math.max(...places, ...Object.keys(constants).map(Number));
      const all = Array.from({ length: last + 1 }, (_, i) => {
        const tensor = constants[i];
        return tensor ? e.constant(tensor) : (values[places.indexOf(i)] ?? null);
      });
      return e.op(op, all, attributes);
    },
  };
};

const int32 = (dims: number[], values: number[]) => tensorOf('int32', dims, values);
const microsoft = (op: string, name: string, inputs: number[][], options: Options) =>
  attend(`com.microsoft:${op}`, name, inputs, options);

/** Angles of `length` places and `half` pairs. */
const angles = (of: (x: number) => number, length: number, half: number) =>
  tensorOf(
    'float32',
    [length, half],
    Array.from({ length: length * half }, (_, i) => of(Math.floor(i / half) / 2 ** (i % half))),
  );
const [cos, sin] = [angles(Math.cos, 8, 2), angles(Math.sin, 8, 2)];

const heads = 'view(2, 3, 2, 4).transpose(1, 2)';
const torchHeads = (query: string, key: string, value: string, more = '') =>
  `F.scaled_dot_product_attention(${query}, ${key}, ${value}${more})`;
const joined = (text: string) => `${text}.transpose(1, 2).reshape(2, 3, 8)`;
const flat = torchHeads(`x0.${heads}`, `x1.${heads}`, `x2.${heads}`);

/** Keys and values whose two heads serve two queries each. */
const twice = ['x1', 'x2'].map((x) => `${x}.view(2, 3, 2, 8).transpose(1, 2).repeat_interleave(2, 1)`) as [
  string,
  string,
];

export const attentionCases: readonly GradientCase[] = [
  microsoft('Attention', 'plain', [[2, 3, 4], [4, 24], [24]], {
    attributes: { num_heads: 2 },
    torch: `(lambda p: ${joined(torchHeads(...(['0', '8', '16'].map((a) => `p[..., ${a}:${a}+8].view(2, 3, 2, 4).transpose(1, 2)`) as [string, string, string])))})(x0 @ x1 + x2)`,
  }),
  microsoft(
    'Attention',
    'causal with a mask and sizes of its own',
    [[2, 3, 4], [4, 16], [16], [2, 2, 3, 3]],
    {
      attributes: { num_heads: 2, unidirectional: 1, qkv_hidden_sizes: ints([4, 4, 8]), scale: float(0.7) },
      constants: { 3: int32([2, 3], [1, 1, 0, 1, 1, 1]) },
      places: [0, 1, 2, 5],
    },
  ),
  microsoft('Attention', 'with lengths', [[2, 3, 4], [4, 12], [12]], {
    attributes: { num_heads: 1 },
    constants: { 3: int32([2], [2, 3]) },
  }),
  microsoft('Attention', 'with ends and starts', [[2, 3, 4], [4, 12], [12]], {
    attributes: { num_heads: 2 },
    constants: { 3: int32([4], [3, 2, 1, 0]) },
  }),
  microsoft(
    'MultiHeadAttention',
    'plain',
    [
      [2, 3, 8],
      [2, 3, 8],
      [2, 3, 8],
    ],
    {
      attributes: { num_heads: 2 },
      torch: joined(flat),
    },
  ),
  microsoft(
    'MultiHeadAttention',
    'with bias, padding and terms',
    [[2, 2, 4], [2, 3, 4], [2, 3, 8], [16], [1, 2, 2, 3]],
    {
      attributes: { num_heads: 2 },
      constants: { 4: int32([2, 3], [1, 1, 0, 1, 1, 1]) },
      places: [0, 1, 2, 3, 5],
    },
  ),
  microsoft(
    'MultiHeadAttention',
    'causal',
    [
      [2, 3, 8],
      [2, 3, 8],
      [2, 3, 8],
    ],
    {
      attributes: { num_heads: 2, unidirectional: 1 },
      torch: joined(torchHeads(`x0.${heads}`, `x1.${heads}`, `x2.${heads}`, ', is_causal=True')),
    },
  ),
  microsoft(
    'MultiHeadAttention',
    'over an encoder',
    [
      [2, 2, 4],
      [2, 2, 3, 2],
      [2, 2, 3, 2],
    ],
    {
      attributes: { num_heads: 2 },
    },
  ),
  microsoft(
    'GroupQueryAttention',
    'plain',
    [
      [2, 3, 32],
      [2, 3, 16],
      [2, 3, 16],
    ],
    {
      attributes: { num_heads: 4, kv_num_heads: 2 },
      constants: { 5: int32([2], [2, 2]), 6: int32([], [3]) },
      torch: `${torchHeads('x0.view(2, 3, 4, 8).transpose(1, 2)', ...twice, ', is_causal=True')}.transpose(1, 2).reshape(2, 3, 32)`,
    },
  ),
  microsoft('GroupQueryAttention', 'packed, rotated, in a window', [[1, 5, 64]], {
    attributes: { num_heads: 2, kv_num_heads: 1, do_rotary: 1, local_window_size: 2 },
    constants: {
      5: int32([1], [4]),
      6: int32([], [5]),
      7: angles(Math.cos, 8, 8),
      8: angles(Math.sin, 8, 8),
    },
  }),
  microsoft(
    'GroupQueryAttention',
    'capped',
    [
      [1, 4, 16],
      [1, 4, 8],
      [1, 4, 8],
    ],
    {
      attributes: { num_heads: 2, kv_num_heads: 1, softcap: float(2), scale: float(1) },
      constants: { 5: int32([1], [3]), 6: int32([], [4]) },
    },
  ),
  attend(
    'Attention',
    'by head',
    [
      [2, 4, 3, 4],
      [2, 2, 5, 4],
      [2, 2, 5, 2],
    ],
    {
      attributes: {},
      opset: 23,
      torch: torchHeads('x0', 'x1.repeat_interleave(2, 1)', 'x2.repeat_interleave(2, 1)'),
    },
  ),
  attend(
    'Attention',
    'flat with a bool mask',
    [
      [2, 3, 8],
      [2, 3, 8],
      [2, 3, 8],
    ],
    {
      attributes: { q_num_heads: 2, kv_num_heads: 2, scale: float(0.4) },
      constants: { 3: tensorOf('bool', [3, 3], [1, 0, 1, 1, 1, 0, 0, 1, 1]) },
      opset: 23,
    },
  ),
  attend(
    'Attention',
    'causal, capped, with terms',
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [3, 3],
    ],
    {
      attributes: { is_causal: 1, softcap: float(3) },
      opset: 23,
    },
  ),
  microsoft('RotaryEmbedding', 'from an offset', [[2, 3, 8]], {
    attributes: { num_heads: 2 },
    constants: { 1: tensorOf('int64', [1], [1]), 2: cos, 3: sin },
  }),
  microsoft('RotaryEmbedding', 'interleaved by head', [[1, 2, 3, 4]], {
    attributes: { interleaved: 1 },
    constants: { 1: tensorOf('int64', [1, 3], [4, 0, 7]), 2: cos, 3: sin },
  }),
  attend('RotaryEmbedding', 'of part of a head', [[1, 2, 3, 6]], {
    attributes: { rotary_embedding_dim: 4 },
    constants: { 1: cos, 2: sin, 3: tensorOf('int64', [1, 3], [2, 3, 5]) },
    opset: 23,
  }),
];
