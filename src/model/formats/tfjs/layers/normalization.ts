/** Normalisation by statistics that were learnt, and by those of the sample.
 *  Source: keras src/layers/normalization; tfjs-layers src/layers/normalization.ts. */
import { z } from 'zod';
import { float } from '../../../ir/attribute.ts';
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import { batchNormalization, reshape, transpose } from '../../emit/index.ts';
import { flag, number, whole } from './config.ts';
import { fixed, type LayerCall, type LayerTable } from './layer.ts';

const axisList = z.union([whole.transform((axis) => [axis]), z.array(whole).nonempty()]);

/** Axes from 0 up, in their order. */
function axesOf({ e, x, config }: LayerCall): number[] {
  const rank = e.rank(x);
  const axes = config.read('axis', axisList, [-1]).map((axis) => (axis < 0 ? axis + rank : axis));
  if (new Set(axes).size !== axes.length || axes.some((axis) => axis < 0 || axis >= rank))
    config.fail(`axis is [${axes}] for an input of ${rank} axes`);
  return axes.sort((a, b) => a - b);
}

const filled = ({ e }: LayerCall, shape: readonly number[], value: number): Value => {
  const length = shape.reduce((a, b) => a * b, 1);
  return e.constant(
    tensorOf(
      'float32',
      shape,
      Float32Array.from({ length }, () => value),
    ),
  );
};

/** A weight where a flag says that there is one; the same number everywhere otherwise. */
const optional = (call: LayerCall, setting: string, key: string, shape: readonly number[], value: number) =>
  call.config.read(setting, flag, true) ? call.weight(key, shape) : filled(call, shape, value);

function batchNormalized(call: LayerCall): Value {
  const { e, x, config } = call;
  const [axis, ...others] = axesOf(call);
  if (others.length > 0) config.fail('it normalises more than one axis');
  const shape = [fixed(call, e.sizes(x)[axis!], 'the number of channels')];
  const scale = optional(call, 'scale', 'gamma', shape, 1);
  const offset = optional(call, 'center', 'beta', shape, 0);
  const mean = call.weight('moving_mean', shape);
  const variance = call.weight('moving_variance', shape);
  const epsilon = config.read('epsilon', number, 1e-3);
  const statistics = { scale, offset, mean, variance, epsilon };
  const last = e.rank(x) - 1;
  if (axis === last || axis === 1)
    return batchNormalization(e, x, { ...statistics, channelsFirst: axis !== last });
  const back = e.sizes(x).map((_, i) => (i === axis ? last : i === last ? axis! : i));
  return transpose(e, batchNormalization(e, transpose(e, x, back), statistics), back);
}

/** (x − mean) / √(variance + ε) · γ + β with the mean and variance of each sample over the axes. */
function layerNormalized(call: LayerCall): Value {
  const { e, x, config } = call;
  const axes = axesOf(call);
  const rank = e.rank(x);
  const shape = axes.map((axis) => fixed(call, e.sizes(x)[axis], 'the size of what is normalised'));
  const scale = optional(call, 'scale', 'gamma', shape, 1);
  const offset = optional(call, 'center', 'beta', shape, 0);
  const epsilon = config.read('epsilon', number, 1e-3);
  if (axes.every((axis, i) => axis === rank - axes.length + i))
    return e.emit('LayerNormalization', [x, scale, offset], { axis: axes[0]!, epsilon: float(epsilon) });
  const spread = e.sizes(x).map((_, i) => (axes.includes(i) ? shape[axes.indexOf(i)]! : 1));
  const deviation = e.emit('Sub', [x, e.emit('ReduceMean', [x], { axes, keepdims: 1 })]);
  const variance = e.emit('ReduceMean', [e.emit('Mul', [deviation, deviation])], { axes, keepdims: 1 });
  const root = e.emit('Sqrt', [e.emit('Add', [variance, e.scalar('float32', epsilon)])]);
  const scaled = e.emit('Mul', [e.emit('Div', [deviation, root]), reshape(e, scale, spread)]);
  return e.emit('Add', [scaled, reshape(e, offset, spread)]);
}

export const normalizationLayers: LayerTable = {
  BatchNormalization: { mask: 'keep', write: batchNormalized },
  LayerNormalization: { mask: 'keep', write: layerNormalized },
};
