/** Multi-layer perceptron: pixels float [batch, inputs] → logits [batch, classes]. */
import type { Model } from '../../ir/model.ts';
import { networkBuilder } from '../builder.ts';
import { kaiming } from '../initial.ts';
import { dense, dropout } from '../layers.ts';

export interface MlpConfig {
  readonly inputs: number;
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[];
  readonly classes: number;
  readonly dropout?: number;
  readonly seed?: number;
  readonly opset?: number;
}

/** 784-128-10, for MNIST: 101 770 weights. */
export const mlpFull: MlpConfig = { inputs: 784, hidden: [128], classes: 10 };
/** 50 890 weights; 204 kB as a file. */
export const mlpTiny: MlpConfig = { inputs: 784, hidden: [64], classes: 10 };

/** A classifier of fully connected layers to train.
 *  Inputs "pixels"; layers "hidden0" … and "classifier", each a Gemm; ReLU between them.
 *  @example
 *  const model = mlp({ inputs: 784, hidden: [64], classes: 10 }); */
export function mlp(config: MlpConfig = mlpFull): Model {
  const b = networkBuilder({ name: 'mlp', ...config });
  let x = b.input('pixels', 'float32', ['batch', config.inputs]);
  let inputs = config.inputs;
  config.hidden.forEach((outputs, i) => {
    const y = dense(b, `hidden${i}`, x, { inputs, outputs, initial: kaiming(inputs) });
    x = dropout(b, `dropout${i}`, b.at(`hidden${i}`).op('Relu', [y]), config.dropout ?? 0);
    inputs = outputs;
  });
  const logits = dense(b, 'classifier', x, { inputs, outputs: config.classes });
  b.output('logits', logits, ['batch', config.classes]);
  return b.build();
}
