/** Stacked LSTM: tokens or a signal → one class for all, or one for every step. */
import type { Model, Value } from '../../ir/model.ts';
import { networkBuilder } from '../builder.ts';
import { normal } from '../initial.ts';
import { dense, dropout, embedding, linear, lstm } from '../layers.ts';

export interface StackedLstmConfig {
  readonly input:
    | { readonly kind: 'tokens'; readonly vocabulary: number; readonly width: number }
    | { readonly kind: 'signal'; readonly features: number };
  /** Width of each layer. */
  readonly hidden: readonly number[];
  readonly classes: number;
  /** 'last' by default: logits [batch, classes] from the last step; 'each': [batch, sequence, classes]. */
  readonly output?: 'last' | 'each';
  /** Between the layers and before the classifier. */
  readonly dropout?: number;
  readonly seed?: number;
  readonly opset?: number;
}

const tokens = (vocabulary: number, width: number) => ({ kind: 'tokens', vocabulary, width }) as const;
export const stackedLstmFull: StackedLstmConfig = {
  input: tokens(10_000, 128),
  hidden: [256, 256],
  classes: 2,
};
/** 31 714 weights; 129 kB as a file. */
export const stackedLstmTiny: StackedLstmConfig = { input: tokens(8, 16), hidden: [48, 48], classes: 2 };

/** Input "input_ids" int64 [batch, sequence], or "signal" float [batch, sequence, features]; layers "embedding",
 *  "lstm0" …, "classifier". */
export function stackedLstm(config: StackedLstmConfig = stackedLstmFull): Model {
  const b = networkBuilder({ name: 'stacked-lstm', ...config });
  const { input, output = 'last', classes, dropout: ratio = 0 } = config;
  b.check(config.hidden.length > 0, 'hidden must name at least one layer; none came');
  let inputs: number;
  let batchFirst: Value;
  if (input.kind === 'tokens') {
    const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
    const table = {
      count: input.vocabulary,
      width: input.width,
      initial: normal(1 / Math.sqrt(input.width)),
    };
    batchFirst = embedding(b, 'embedding', ids, table);
    inputs = input.width;
  } else {
    batchFirst = b.input('signal', 'float32', ['batch', 'sequence', input.features]);
    inputs = input.features;
  }
  let x = b.op('Transpose', [batchFirst], { perm: [1, 0, 2] });
  let last = x;
  config.hidden.forEach((hidden, i) => {
    const layer = lstm(b, `lstm${i}`, x, { inputs, hidden });
    last = layer.last;
    inputs = hidden;
    if (i < config.hidden.length - 1 || output === 'each') x = dropout(b, `dropout${i}`, layer.states, ratio);
  });
  if (output === 'last') {
    const head = dropout(b, 'dropout', last, ratio);
    b.output('logits', dense(b, 'classifier', head, { inputs, outputs: classes }), ['batch', classes]);
  } else {
    const steps = b.op('Transpose', [x], { perm: [1, 0, 2] });
    const logits = linear(b, 'classifier', steps, { inputs, outputs: classes });
    b.output('logits', logits, ['batch', 'sequence', classes]);
  }
  return b.build();
}
