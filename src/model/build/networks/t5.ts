/** Encoder–decoder as in T5: relative positions, RMS normalisation first, ReLU, no biases, one table of tokens.
 *  Three graphs with the same weight names: `part: 'joint'` for training, 'encoder' and 'decoder' for use. */
import type { Model, Value } from '../../ir/model.ts';
import { causalMask, multiHeadAttention, notPadding, paddingMask } from '../attention.ts';
import { type NetworkBuilder, networkBuilder } from '../builder.ts';
import { normal } from '../initial.ts';
import { dropout, embedding, feedForward, positions, rmsNorm, sizeOf } from '../layers.ts';
import { relativeBias } from '../relative-positions.ts';

export interface T5Config {
  readonly vocabulary: number;
  readonly width: number;
  readonly heads: number;
  /** width / heads by default. */
  readonly headDim?: number;
  readonly hidden: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Buckets of relative positions; 32 by default. */
  readonly buckets?: number;
  /** 128 by default. */
  readonly maxDistance?: number;
  /** Token that the joint graph takes for padding in input_ids, also the decoder's first; 0 by default. */
  readonly padding?: number;
  readonly part?: 'joint' | 'encoder' | 'decoder';
  readonly dropout?: number;
  readonly seed?: number;
  readonly opset?: number;
}

/** T5-small: 60 506 624 weights. */
export const t5Full: T5Config = {
  vocabulary: 32_128,
  width: 512,
  heads: 8,
  hidden: 2048,
  encoderLayers: 6,
  decoderLayers: 6,
};
/** 44 544 weights; as files 101 kB (encoder) and 147 kB (decoder). */
export const t5Tiny: T5Config = {
  vocabulary: 96,
  width: 32,
  heads: 4,
  hidden: 64,
  encoderLayers: 2,
  decoderLayers: 2,
  buckets: 16,
  maxDistance: 32,
};

/** Joint: "input_ids" [batch, encoder_sequence], "decoder_input_ids" [batch, sequence] → "logits"
 *  [batch, sequence, vocabulary]. Encoder: "input_ids", "attention_mask" (1 a token, 0 padding) →
 *  "last_hidden_state". Decoder: "input_ids", "encoder_hidden_states", "encoder_attention_mask" → "logits". All ids and
 *  masks int64. Weights "tokens/weight", "encoder/…", "decoder/…". @see Raffel et al. 2020, arXiv:1910.10683 */
export function t5(config: T5Config = t5Full): Model {
  const { part = 'joint', width } = config;
  const b = networkBuilder({ name: part === 'joint' ? 't5' : `t5-${part}`, ...config });
  const source = ['batch', 'encoder_sequence'];
  const target = ['batch', 'sequence'];
  let memory: Value;
  let mask: Value;
  if (part === 'decoder') {
    const ids = b.input('input_ids', 'int64', target);
    mask = paddingMask(b.at('mask'), b.input('encoder_attention_mask', 'int64', source));
    memory = b.input('encoder_hidden_states', 'float32', [...source, width]);
    return finish(b, config, decoder(b, config, ids, memory, mask));
  }
  const ids = b.input('input_ids', 'int64', source);
  const at = b.at('mask');
  if (part === 'encoder') {
    mask = paddingMask(at, b.input('attention_mask', 'int64', source));
    b.output('last_hidden_state', encoder(b, config, ids, mask), [...source, width]);
    return b.build();
  }
  const decoderIds = b.input('decoder_input_ids', 'int64', target);
  mask = at.op('Unsqueeze', [notPadding(at, ids, config.padding ?? 0), b.integers(1, 2)]);
  memory = encoder(b, config, ids, mask);
  return finish(b, config, decoder(b, config, decoderIds, memory, mask));
}

function encoder(root: NetworkBuilder, config: T5Config, ids: Value, mask: Value): Value {
  const b = root.at('encoder');
  const ratio = config.dropout ?? 0;
  const places = positions(b.at('places'), root.integers(0), sizeOf(b, ids, 1));
  const bias = relativeBias(b, 'relative', places, places, relative(config, true));
  let x = dropout(b, 'dropout', tokens(root, config, ids), ratio);
  for (let i = 0; i < config.encoderLayers; i++) {
    const at = b.at(`block${i}`);
    x = attend(at, config, 'attention', x, { bias, mask });
    x = at.label(feed(at, config, x), 'output');
  }
  return dropout(b, 'dropout1', rmsNorm(b, 'norm', x, config.width), ratio);
}

function decoder(root: NetworkBuilder, config: T5Config, ids: Value, memory: Value, mask: Value): Value {
  const b = root.at('decoder');
  const ratio = config.dropout ?? 0;
  const places = positions(b.at('places'), root.integers(0), sizeOf(b, ids, 1));
  const bias = relativeBias(b, 'relative', places, places, relative(config, false));
  const causal = causalMask(b.at('places'), places, places);
  let x = dropout(b, 'dropout', tokens(root, config, ids), ratio);
  for (let i = 0; i < config.decoderLayers; i++) {
    const at = b.at(`block${i}`);
    x = attend(at, config, 'attention', x, { bias, mask: causal });
    x = attend(at, config, 'cross_attention', x, { memory, mask });
    x = at.label(feed(at, config, x), 'output');
  }
  return dropout(b, 'dropout1', rmsNorm(b, 'norm', x, config.width), ratio);
}

/** Scores from the table of tokens itself, scaled back to the size of the hidden states. */
function finish(b: NetworkBuilder, config: T5Config, hidden: Value): Model {
  const { vocabulary, width } = config;
  const head = b.at('head');
  const scaled = head.op('Mul', [hidden, head.scalar('scale', width ** -0.5)]);
  const table = b.at('tokens').weight('weight', [vocabulary, width], normal(1));
  const logits = head.op('MatMul', [scaled, head.op('Transpose', [table], { perm: [1, 0] })]);
  b.output('logits', logits, ['batch', 'sequence', vocabulary]);
  return b.build();
}

const tokens = (b: NetworkBuilder, { vocabulary, width }: T5Config, ids: Value) =>
  embedding(b, 'tokens', ids, { count: vocabulary, width, initial: normal(1) });

const relative = (config: T5Config, bidirectional: boolean) => ({
  heads: config.heads,
  buckets: config.buckets ?? 32,
  maxDistance: config.maxDistance ?? 128,
  bidirectional,
  std: config.width ** -0.5,
});

/** x + attention(norm(x)). Scores are not scaled: the queries start that much smaller instead. */
function attend(
  b: NetworkBuilder,
  config: T5Config,
  name: string,
  x: Value,
  options: { memory?: Value; mask: Value; bias?: Value },
): Value {
  const { width, heads, dropout: ratio = 0 } = config;
  const headDim = config.headDim ?? width / heads;
  const { output } = multiHeadAttention(b, name, rmsNorm(b, `${name}_norm`, x, width), {
    width,
    heads,
    headDim,
    ...options,
    scale: 1,
    projectionBias: false,
    dropout: ratio,
    initial: normal(width ** -0.5),
    queryInitial: normal((width * headDim) ** -0.5),
    outputInitial: normal((heads * headDim) ** -0.5),
  });
  return b.op('Add', [x, dropout(b, `${name}_dropout`, output, ratio)]);
}

/** x + feedForward(norm(x)). */
function feed(b: NetworkBuilder, config: T5Config, x: Value): Value {
  const { width, hidden, dropout: ratio = 0 } = config;
  const fed = feedForward(b, 'mlp', rmsNorm(b, 'mlp_norm', x, width), {
    width,
    hidden,
    activation: 'relu',
    bias: false,
    dropout: ratio,
    initial: normal(width ** -0.5),
    outputInitial: normal(hidden ** -0.5),
  });
  return b.op('Add', [x, dropout(b, 'mlp_dropout', fed, ratio)]);
}
