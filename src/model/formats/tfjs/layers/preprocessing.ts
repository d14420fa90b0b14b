/** Layers that prepare pictures and classes. What is drawn by chance while a model is trained leaves its input as it is.
 *  Source: tfjs-layers src/layers/preprocessing; keras src/layers/preprocessing. */
import { z } from 'zod';
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import { cast, resize, slice, squeeze } from '../../emit/index.ts';
import { channelsFirst, count, flag, number, oneOf } from './config.ts';
import { classes, fixed, type LayerCall, type LayerTable } from './layer.ts';

const numbersSchema = z.union([number, z.array(number)]);

/** x · scale + offset; a list has one number for each element of the last axis. */
function rescaled({ e, x, config }: LayerCall): Value {
  const constant = (key: string, fallback?: number) => {
    const given = config.read(key, numbersSchema, fallback);
    return typeof given === 'number'
      ? e.scalar('float32', given)
      : e.constant(tensorOf('float32', [given.length], given));
  };
  const scaled = e.emit('Mul', [cast(e, x, 'float32'), constant('scale')]);
  return e.emit('Add', [scaled, constant('offset', 0)]);
}

/** As Keras does, from the centres of cells: TensorFlow.js, which would lay corners on corners, fails on this layer in a model. */
function resized({ e, x, config }: LayerCall): Value {
  if (['crop_to_aspect_ratio', 'pad_to_aspect_ratio'].some((key) => config.read(key, flag, false)))
    e.refuse('resizing that keeps the aspect ratio');
  const size = [config.read('height', count), config.read('width', count)];
  return resize(e, x, e.integers(...size), {
    method: config.read('interpolation', oneOf('bilinear', 'nearest'), 'bilinear'),
    halfPixelCenters: true,
    channelsFirst: channelsFirst(config),
  });
}

/** The middle of a picture; a smaller one is enlarged. One odd column goes to the left in TensorFlow.js, to the right in Keras. */
function centerCropped(call: LayerCall): Value {
  const { e, x, keras3 } = call;
  const size = [call.config.read('height', count), call.config.read('width', count)] as const;
  const first = channelsFirst(call.config) ? 2 : 1;
  const before = size.map((target, i) => {
    const from = fixed(call, e.sizes(x)[first + i], 'the size of its input');
    const half = Math.floor((from - target) / 2);
    return !keras3 && i === 1 && half === 0 && from !== target ? 1 : half;
  });
  if (before.some((b) => b < 0))
    return resize(e, x, e.integers(...size), {
      method: 'bilinear',
      halfPixelCenters: keras3,
      channelsFirst: first === 2,
    });
  return size.reduce((value, target, i) => slice(e, value, first + i, before[i]!, before[i]! + target), x);
}

/** Class numbers as vectors: one each, or for a row of them which occur ("multi_hot") or how often ("count").
 *  x [batch] or [batch, n]. */
function encoded({ e, x, config }: LayerCall): Value {
  const tokens = config.read('num_tokens', count);
  const mode = config.read('output_mode', oneOf('multi_hot', 'one_hot', 'count', 'int'), 'multi_hot');
  if (mode === 'int') return cast(e, x, 'int32');
  const levels = e.constant(tensorOf('float32', [2], [0, 1]));
  const vectors = e.emit('OneHot', [cast(e, x, 'int64'), e.integers(tokens), levels], { axis: -1 });
  const rank = e.rank(x);
  if (mode === 'one_hot')
    return rank > 1 && e.sizes(x)[rank - 1] === 1 ? squeeze(e, vectors, rank - 1) : vectors;
  if (rank === 1) return vectors;
  return mode === 'count'
    ? e.emit('ReduceSum', [vectors, e.integers(rank - 1)], { keepdims: 0 })
    : e.emit('ReduceMax', [vectors], { axes: [rank - 1], keepdims: 0 });
}

export const preprocessingLayers: LayerTable = {
  Rescaling: { write: rescaled },
  Resizing: { write: resized },
  CenterCrop: { write: centerCropped },
  CategoryEncoding: { write: encoded },
  ...classes(
    'RandomHeight RandomWidth RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast RandomBrightness',
    { write: ({ x }) => x },
  ),
};
