/** Small convolutional classifier: image float [batch, channels, side, side] → logits [batch, classes]. */
import type { Model } from '../../ir/model.ts';
import { networkBuilder } from '../builder.ts';
import { kaiming } from '../initial.ts';
import { batchNorm, conv, dense, dropout, maxPool } from '../layers.ts';

export interface CnnConfig {
  readonly side: number;
  readonly channels: number;
  /** Filters of each 3×3 convolution, without padding; all but the last are followed by 2×2 max pooling. */
  readonly filters: readonly number[];
  readonly hidden: number;
  readonly classes: number;
  /** BatchNormalization after each convolution (whose bias it replaces); false by default. */
  readonly batchNorm?: boolean;
  /** Before the classifier. */
  readonly dropout?: number;
  readonly seed?: number;
  readonly opset?: number;
}

/** Conv 32/64/64, Dense 64, for MNIST: 93 322 weights. */
export const cnnFull: CnnConfig = { side: 28, channels: 1, filters: [32, 64, 64], hidden: 64, classes: 10 };
/** Conv 16/32/32, Dense 32: 23 626 weights; 96 kB as a file. */
export const cnnTiny: CnnConfig = { ...cnnFull, filters: [16, 32, 32], hidden: 32 };

/** A convolutional classifier to train.
 *  Input "image"; layers "conv0" …, "hidden", "classifier".
 *  @example
 *  const model = cnn({ side: 28, channels: 1, filters: [16, 32], hidden: 32, classes: 10 }); */
export function cnn(config: CnnConfig = cnnFull): Model {
  const b = networkBuilder({ name: 'cnn', ...config });
  const normalised = config.batchNorm ?? false;
  let x = b.input('image', 'float32', ['batch', config.channels, config.side, config.side]);
  let [channels, side] = [config.channels, config.side];
  config.filters.forEach((outputs, i) => {
    const at = b.at(`conv${i}`);
    x = conv(b, `conv${i}`, x, { inputs: channels, outputs, bias: !normalised });
    if (normalised) x = batchNorm(at, 'norm', x, outputs);
    x = at.op('Relu', [x]);
    [channels, side] = [outputs, side - 2];
    if (i === config.filters.length - 1) return;
    x = maxPool(at, x);
    side = Math.floor(side / 2);
  });
  b.check(side > 0, `side must leave a pixel after ${config.filters.length} layers; ${config.side} came`);
  const flat = b.op('Flatten', [x], { axis: 1 });
  const inputs = channels * side * side;
  const hidden = dense(b, 'hidden', flat, { inputs, outputs: config.hidden, initial: kaiming(inputs) });
  const active = dropout(b, 'dropout', b.at('hidden').op('Relu', [hidden]), config.dropout ?? 0);
  const logits = dense(b, 'classifier', active, { inputs: config.hidden, outputs: config.classes });
  b.output('logits', logits, ['batch', config.classes]);
  return b.build();
}
