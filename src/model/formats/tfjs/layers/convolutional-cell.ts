/** The cell of ConvLSTM2D: an LSTM whose products are convolutions.
 *  Source: tfjs-layers src/layers/convolutional_recurrent.ts. */
import type { Value } from '../../../ir/model.ts';
import { concat, convolution, type Emitter } from '../../emit/index.ts';
import { type Cell, lstm } from './cells.ts';
import { count, flag, oneOf, sizes } from './config.ts';
import { activate, activationName, fixed, type LayerCall } from './layer.ts';
import { mergeTime, splitTime } from './time-axis.ts';

/** @param x  [batch, time, height, width, channels] */
export function convolutionalCell(call: LayerCall, x: Value): Cell {
  const { config, keras3 } = call;
  const filters = config.read('filters', count);
  const kernel = config.read('kernel_size', sizes(2));
  const channels = fixed(call, call.e.sizes(x).at(-1), 'the number of channels');
  const filter = call.weight('kernel', [...kernel, channels, 4 * filters]);
  const recurrent = call.weight('recurrent_kernel', [...kernel, filters, 4 * filters]);
  const bias = config.read('use_bias', flag, true) ? call.weight('bias', [4 * filters]) : null;
  const named = (key: string, fallback: string) => {
    const name = activationName(config, key, fallback);
    return (e: Emitter, v: Value) => activate({ e, keras3 }, name, v);
  };
  const product = (e: Emitter, h: Value) =>
    convolution(e, h, recurrent, { strides: [1, 1], padding: 'same' });
  return {
    prepare(e, sequence) {
      const y = convolution(e, mergeTime(e, sequence), filter, {
        strides: config.read('strides', sizes(2), [1, 1]),
        padding: config.read('padding', oneOf('valid', 'same'), 'valid'),
        dilations: config.read('dilation_rate', sizes(2), [1, 1]),
        bias,
      });
      return splitTime(e, y, sequence);
    },
    step: lstm(product, filters, named('recurrent_activation', 'hard_sigmoid'), named('activation', 'tanh')),
    states: 2,
    start(e, prepared) {
      const batch = e.emit('Shape', [prepared], { start: 0, end: 1 });
      const places = e.emit('Shape', [prepared], { start: 2, end: 4 });
      const zeros = e.emit('ConstantOfShape', [concat(e, [batch, places, e.integers(filters)], 0)]);
      return [zeros, zeros];
    },
  };
}
