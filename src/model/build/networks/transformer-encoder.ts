/** Transformer encoder with a classifier: input_ids int64 [batch, sequence] → logits [batch, classes]. */
import type { Model, Value } from '../../ir/model.ts';
import { multiHeadAttention, notPadding } from '../attention.ts';
import { type NetworkBuilder, networkBuilder } from '../builder.ts';
import { normal } from '../initial.ts';
import {
  type Activation,
  addSinusoids,
  cast,
  dense,
  dropout,
  embedding,
  feedForward,
  layerNorm,
  reduceMean,
} from '../layers.ts';

export interface TransformerEncoderConfig {
  readonly vocabulary: number;
  /** Longest sequence. */
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  /** Width inside the feed-forward part. */
  readonly hidden: number;
  readonly classes: number;
  /** Token that is not looked at and not averaged; none by default. A row must have another token. */
  readonly padding?: number;
  /** 'gelu' by default. */
  readonly activation?: Activation;
  readonly dropout?: number;
  readonly seed?: number;
  readonly opset?: number;
}

/** The sizes of BERT-mini, with room for 512 tokens. */
export const transformerEncoderFull: TransformerEncoderConfig = {
  vocabulary: 30_522,
  length: 512,
  width: 256,
  heads: 4,
  layers: 4,
  hidden: 1024,
  classes: 2,
};
/** 39 699 weights; 181 kB as a file. */
export const transformerEncoderTiny: TransformerEncoderConfig = {
  vocabulary: 32,
  length: 24,
  width: 48,
  heads: 4,
  layers: 2,
  hidden: 96,
  classes: 3,
  padding: 0,
};

/** Input "input_ids"; layers "embedding", "block0" …, "norm", "classifier"; fixed sinusoids for positions; the blocks
 *  normalise first (pre-LN), the mean over the tokens is classified. */
export function transformerEncoder(config: TransformerEncoderConfig = transformerEncoderFull): Model {
  const b = networkBuilder({ name: 'transformer-encoder', ...config });
  const { width, heads, hidden, dropout: ratio = 0, activation = 'gelu' } = config;
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const real = config.padding === undefined ? null : notPadding(b.at('mask'), ids, config.padding);
  const mask = real ? b.at('mask').op('Unsqueeze', [real, b.integers(1, 2)]) : undefined;
  const table = { count: config.vocabulary, width, initial: normal(1 / Math.sqrt(width)) };
  let x = addSinusoids(b, embedding(b, 'embedding', ids, table), config.length, width);
  x = dropout(b, 'dropout', x, ratio);
  for (let i = 0; i < config.layers; i++) {
    const at = b.at(`block${i}`);
    const seen = layerNorm(at, 'norm0', x, width);
    const attended = multiHeadAttention(at, 'attention', seen, { width, heads, mask, dropout: ratio });
    x = at.op('Add', [x, dropout(at, 'dropout0', attended.output, ratio)]);
    const known = layerNorm(at, 'norm1', x, width);
    const fed = feedForward(at, 'mlp', known, { width, hidden, activation, dropout: ratio });
    x = at.label(at.op('Add', [x, dropout(at, 'dropout1', fed, ratio)]), 'output');
  }
  x = layerNorm(b, 'norm', x, width);
  const logits = dense(b, 'classifier', mean(b.at('pool'), x, real), {
    inputs: width,
    outputs: config.classes,
  });
  b.output('logits', logits, ['batch', config.classes]);
  return b.build();
}

/** Mean over the tokens, [batch, width]. */
function mean(b: NetworkBuilder, x: Value, real: Value | null): Value {
  if (!real) return reduceMean(b, x, 1, false);
  const counted = b.op('Unsqueeze', [cast(b, real, 'float32'), b.integers(2)]);
  const sum = b.op('ReduceSum', [b.op('Mul', [x, counted]), b.integers(1)], { keepdims: 0 });
  return b.op('Div', [sum, b.op('ReduceSum', [counted, b.integers(1)], { keepdims: 0 })]);
}
