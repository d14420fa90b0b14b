/** Activations as layers.
 *  Source: keras src/layers/activations; tfjs-layers src/layers/advanced_activations.ts. */
import { z } from 'zod';
import { float } from '../../../ir/attribute.ts';
import type { Value } from '../../../ir/model.ts';
import { cast } from '../../emit/index.ts';
import { number, whole } from './config.ts';
import { activate, activated, classes, type LayerCall, type LayerTable } from './layer.ts';

/** max(x, 0) at most `max_value`; below `threshold` it is negative_slope · (x − threshold). TensorFlow.js knows the first alone. */
function relu({ e, x, config }: LayerCall): Value {
  const most = config.has('max_value') ? config.read('max_value', number) : null;
  const slope = config.read('negative_slope', number, 0);
  const threshold = config.read('threshold', number, 0);
  const at = (value: number) => e.scalar('float32', value);
  if (threshold !== 0) {
    const below = e.emit('Mul', [e.emit('Sub', [x, at(threshold)]), at(slope)]);
    const above = most === null ? x : e.emit('Min', [x, at(most)]);
    return e.emit('Where', [e.emit('Less', [x, at(threshold)]), below, above]);
  }
  if (slope !== 0) {
    const y = e.emit('LeakyRelu', [x], { alpha: float(slope) });
    return most === null ? y : e.emit('Min', [y, at(most)]);
  }
  return most === null ? e.emit('Relu', [x]) : e.emit('Clip', [x, at(0), at(most)]);
}

/** A slope for each element of a sample, one for all along the shared axes. */
function prelu(call: LayerCall): Value {
  const { e, x, config } = call;
  const shared = config.read('shared_axes', z.union([whole, z.array(whole)]), []);
  const isShared = (axis: number) => [shared].flat().includes(axis);
  const shape = e
    .sizes(x)
    .slice(1)
    .map((d, i) => (isShared(i + 1) ? 1 : typeof d === 'number' ? d : null));
  return activate(call, 'prelu', x, { slope: call.weight('alpha', shape) });
}

/** exp(x) over its sum along one axis or several. Where a mask of the same rank is false, nearly 0. */
function softmax({ e, x, config, masks: [mask] }: LayerCall): Value {
  const axes = [config.read('axis', z.union([whole, z.array(whole)]), -1)].flat();
  const seen = mask && e.rank(mask) === e.rank(x) ? hidden({ e, x }, mask) : x;
  if (axes.length === 1) return e.emit('Softmax', [seen], { axis: axes[0]! });
  const sum = e.emit('ReduceLogSumExp', [seen], { axes, keepdims: 1 });
  return e.emit('Exp', [e.emit('Sub', [seen, sum])]);
}

function hidden({ e, x }: Pick<LayerCall, 'e' | 'x'>, mask: Value): Value {
  const away = e.emit('Sub', [e.scalar('float32', 1), cast(e, mask, 'float32')]);
  return e.emit('Add', [x, e.emit('Mul', [away, e.scalar('float32', -1e9)])]);
}

export const activationLayers: LayerTable = {
  Activation: { mask: 'keep', write: (call) => activated(call, call.x) },
  ReLU: { mask: 'keep', write: relu },
  LeakyReLU: {
    mask: 'keep',
    write: ({ e, x, config }) =>
      e.emit('LeakyRelu', [x], { alpha: float(config.read(['alpha', 'negative_slope'], number, 0.3)) }),
  },
  PReLU: { mask: 'keep', write: prelu },
  ELU: {
    mask: 'keep',
    write: ({ e, x, config }) => e.emit('Elu', [x], { alpha: float(config.read('alpha', number, 1)) }),
  },
  ThresholdedReLU: {
    mask: 'keep',
    write: ({ e, x, config }) =>
      e.emit('ThresholdedRelu', [x], { alpha: float(config.read('theta', number, 1)) }),
  },
  Softmax: { mask: 'keep', write: softmax },
  ...classes(
    'Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization',
    // Noise and penalties of training.
    { mask: 'keep', write: ({ x }) => x },
  ),
};
