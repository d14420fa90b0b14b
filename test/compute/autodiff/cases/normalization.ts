import type { Attributes, Emitter } from '../../../../src/compute/autodiff/emitter.ts';
import { float } from '../../../../src/model/ir/attribute.ts';
import type { Value } from '../../../../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../../src/support/random.ts';
import type { GradientCase } from '../check-gradient.ts';

const random = createRandom(5);
const positive = (count: number): Tensor =>
  tensorOf(
    'float32',
    [count],
    Array.from({ length: count }, () => 0.5 + random.next()),
  );

const normalize =
  (op: string, attributes: Attributes = {}) =>
  (e: Emitter, ...inputs: Value[]) =>
    e.op(op, inputs, attributes);

const batch = (dims: number[]): GradientCase => ({
  name: `BatchNormalization of [${dims}] by its batch`,
  inputs: [dims, [dims[1] as number], [dims[1] as number], [dims[1] as number], positive(dims[1] as number)],
  wrt: [0, 1, 2],
  build: (e, ...inputs) =>
    e.ops('BatchNormalization', inputs, 3, { training_mode: 1, epsilon: float(1e-3) })[0] as Value,
  torch: 'F.batch_norm(x0, None, None, x1, x2, training=True, eps=1e-3)',
});

const layer = (
  name: string,
  dims: number[],
  attributes: Attributes,
  torch: string,
  scale: number[],
  bias = true,
): GradientCase => ({
  name: `LayerNormalization ${name}`,
  inputs: bias ? [dims, scale, scale] : [dims, scale],
  build: normalize('LayerNormalization', attributes),
  torch,
});

const one = (
  op: string,
  name: string,
  inputs: GradientCase['inputs'],
  attributes: Attributes = {},
  torch = '',
  opset = 20,
): GradientCase => ({
  name: `${op} ${name}`.trim(),
  inputs,
  opset,
  build: normalize(op, attributes),
  ...(torch ? { torch } : {}),
});

const awayFromZero = (dims: number[]): Tensor =>
  tensorOf(
    'float32',
    dims,
    Array.from(
      { length: dims.reduce((a, b) => a * b, 1) },
      (_, i) => (i % 3 ? 1 : -1) * (0.5 + random.next()),
    ),
  );
const ids = (dims: number[], values: number[]): Tensor => tensorOf('int32', dims, values);
/** Scale and bias of a group stand for those of its channels. */
const perGroup = 'F.group_norm(x0, 2, x1.repeat_interleave(2), x2.repeat_interleave(2))';

export const normalizationCases: readonly GradientCase[] = [
  batch([4, 3]),
  batch([3, 2, 4]),
  batch([2, 3, 2, 3]),
  {
    name: 'BatchNormalization as deployed',
    inputs: [[2, 3, 2, 2], [3], [3], [3], positive(3)],
    wrt: [0, 1, 2],
    mode: 'infer',
    build: normalize('BatchNormalization'),
    torch: 'F.batch_norm(x0, x3, x4, x1, x2)',
  },
  layer('of the last axis', [2, 3, 8], {}, 'F.layer_norm(x0, [8], x1, x2)', [8]),
  layer('without bias', [5, 6], { epsilon: float(0.1) }, 'F.layer_norm(x0, [6], x1, eps=0.1)', [6], false),
  layer('from axis 1 on', [2, 3, 4], { axis: 1 }, 'F.layer_norm(x0, [3, 4], x1, x2)', [3, 4]),
  layer('with a scale that broadcasts', [2, 3, 4], { axis: 1 }, 'F.layer_norm(x0, [3, 4]) * x1 + x2', [4]),
  one('InstanceNormalization', '', [[2, 3, 2, 2], [3], [3]], {}, 'F.instance_norm(x0, weight=x1, bias=x2)'),
  one(
    'InstanceNormalization',
    'of one axis',
    [[2, 3, 5], [3], [3]],
    {},
    'F.instance_norm(x0, weight=x1, bias=x2)',
  ),
  one(
    'GroupNormalization',
    'by channel',
    [[2, 4, 3], [4], [4]],
    { num_groups: 2 },
    'F.group_norm(x0, 2, x1, x2)',
    21,
  ),
  one('GroupNormalization', 'by group', [[2, 4, 3], [2], [2]], { num_groups: 2 }, perGroup, 18),
  one('RMSNormalization', '', [[2, 3, 4], [4]], {}, 'F.rms_norm(x0, [4], x1, 1e-5)', 23),
  one(
    'RMSNormalization',
    'from axis 1 on',
    [
      [2, 3, 4],
      [3, 4],
    ],
    { axis: 1 },
    'F.rms_norm(x0, [3, 4], x1, 1e-5)',
    23,
  ),
  one('SimplifiedLayerNormalization', '', [[2, 3, 4], [4]], {}, 'F.rms_norm(x0, [4], x1, 1e-5)'),
  one('LpNormalization', 'p = 2', [[2, 3, 4]], { axis: 1 }, 'F.normalize(x0, dim=1)'),
  one('LpNormalization', 'p = 1', [awayFromZero([2, 5])], { p: 1 }, 'F.normalize(x0, p=1, dim=-1)'),
  one(
    'MeanVarianceNormalization',
    '',
    [[2, 3, 2, 2]],
    {},
    '(x0 - x0.mean((0, 2, 3), True)) / x0.std((0, 2, 3), unbiased=False, keepdim=True)',
  ),
  one(
    'LRN',
    'odd',
    [[2, 5, 2, 2]],
    { size: 3, alpha: float(0.5) },
    'F.local_response_norm(x0, 3, 0.5, 0.75, 1)',
  ),
  one(
    'LRN',
    'with all its attributes',
    [[1, 6, 2, 2]],
    { size: 5, alpha: float(2), beta: float(0.6), bias: float(1.5) },
    'F.local_response_norm(x0, 5, 2, 0.6, 1.5)',
  ),
  one(
    'com.microsoft:SkipLayerNormalization',
    '',
    [[2, 3, 8], [2, 3, 8], [8], [8], [8]],
    {},
    'F.layer_norm(x0 + x1 + x4, [8], x2, x3)',
  ),
  one(
    'com.microsoft:SkipLayerNormalization',
    'with a shared skip',
    [[2, 3, 8], [1, 3, 8], [8]],
    {},
    'F.layer_norm(x0 + x1, [8], x2)',
  ),
  {
    name: 'com.microsoft:SkipSimplifiedLayerNormalization with its sum',
    inputs: [[2, 3, 8], [2, 3, 8], [8], [8]],
    build: (e, ...inputs) => {
      const made = e.ops('com.microsoft:SkipSimplifiedLayerNormalization', inputs, 4, {
        epsilon: float(1e-5),
      });
      return [made[0] as Value, made[3] as Value];
    },
    torch: '(F.rms_norm(x0 + x1 + x3, [8], x2, 1e-5), x0 + x1 + x3)',
  },
  {
    name: 'com.microsoft:EmbedLayerNormalization',
    inputs: [
      ids([2, 3], [1, 4, 2, 0, 1, 1]),
      ids([2, 3], [0, 0, 1, 1, 1, 0]),
      [5, 8],
      [3, 8],
      [2, 8],
      [8],
      [8],
    ],
    build: (e, ...inputs) =>
      e.ops('com.microsoft:EmbedLayerNormalization', inputs, 2, { epsilon: float(1e-5) })[0] as Value,
    torch: 'F.layer_norm(F.embedding(x0, x2) + x3 + F.embedding(x1, x4), [8], x5, x6)',
  },
];
