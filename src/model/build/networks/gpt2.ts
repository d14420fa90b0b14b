/** Decoder-only transformer as in GPT-2: learned positions, normalisation first, GELU by tanh.
 *  Two graphs with the same weight names: for training (`cache: false`) and for generation (`cache: true`). */
import type { Model, Value } from '../../ir/model.ts';
import { causalMask, multiHeadAttention } from '../attention.ts';
import { type NetworkBuilder, networkBuilder } from '../builder.ts';
import { normal } from '../initial.ts';
import { dropout, embedding, feedForward, layerNorm, linear, positions, sizeOf } from '../layers.ts';

export interface Gpt2Config {
  readonly vocabulary: number;
  /** Longest sequence, past included. */
  readonly context: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  /** Width inside the feed-forward part; 4·width by default. */
  readonly hidden?: number;
  /** Whether the scores of the next token come from the embedding's own table; true by default. */
  readonly tied?: boolean;
  /** true by default: inputs and outputs for the keys and values of the tokens before. */
  readonly cache?: boolean;
  readonly dropout?: number;
  readonly seed?: number;
  readonly opset?: number;
}

/** GPT-2 small: 124 439 808 weights. */
export const gpt2Full: Gpt2Config = { vocabulary: 50_257, context: 1024, width: 768, heads: 12, layers: 12 };
/** 61 248 weights; 266 kB as a file. */
export const gpt2Tiny: Gpt2Config = { vocabulary: 32, context: 64, width: 48, heads: 4, layers: 2 };

/** Inputs "input_ids" int64 [batch, sequence] and with a cache "past_key_values.{i}.key", ".value"
 *  [batch, heads, past_sequence, headDim] (past_sequence may be 0); outputs "logits" [batch, sequence, vocabulary] and
 *  "present.{i}.key", ".value" [batch, heads, past_sequence + sequence, headDim], as transformers.js names them.
 *  Weights "tokens/weight", "positions/weight", "block{i}/…", "norm/…" and, untied, "head/weight".
 *  @see Radford et al. 2019; github.com/openai/gpt-2/blob/master/src/model.py */
export function gpt2(config: Gpt2Config = gpt2Full): Model {
  const b = networkBuilder({ name: 'gpt2', ...config });
  const { vocabulary, width, heads, layers, cache = true, tied = true, dropout: ratio = 0 } = config;
  const headDim = width / heads;
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const cached = (i: number, role: string) =>
    b.input(`past_key_values.${i}.${role}`, 'float32', ['batch', heads, 'past_sequence', headDim]);
  const pasts = Array.from({ length: cache ? layers : 0 }, (_, i) => ({
    key: cached(i, 'key'),
    value: cached(i, 'value'),
  }));

  const { queries, mask } = places(b.at('places'), ids, pasts[0]?.key);
  const tokens = embedding(b, 'tokens', ids, { count: vocabulary, width });
  const where = embedding(b, 'positions', queries, { count: config.context, width, initial: normal(0.01) });
  let x = dropout(b, 'dropout', b.op('Add', [tokens, where]), ratio);
  // What 2 · layers residual branches add up to stays as large as one of them.
  const residual = normal(0.02 / Math.sqrt(2 * layers));
  const presents: { key: Value; value: Value }[] = [];
  for (let i = 0; i < layers; i++) {
    const at = b.at(`block${i}`);
    const attended = multiHeadAttention(at, 'attention', layerNorm(at, 'norm0', x, width), {
      width,
      heads,
      mask,
      past: pasts[i],
      dropout: ratio,
      initial: normal(),
      outputInitial: residual,
    });
    if (attended.present) presents.push(attended.present);
    x = at.op('Add', [x, dropout(at, 'dropout0', attended.output, ratio)]);
    const fed = feedForward(at, 'mlp', layerNorm(at, 'norm1', x, width), {
      width,
      hidden: config.hidden ?? 4 * width,
      activation: 'gelu-tanh',
      initial: normal(),
      outputInitial: residual,
    });
    x = at.label(at.op('Add', [x, dropout(at, 'dropout1', fed, ratio)]), 'output');
  }
  x = layerNorm(b, 'norm', x, width);
  const head = b.at('head');
  const logits = tied
    ? head.op('MatMul', [
        x,
        head.op('Transpose', [b.at('tokens').weight('weight', [vocabulary, width], normal())], {
          perm: [1, 0],
        }),
      ])
    : linear(b, 'head', x, { inputs: width, outputs: vocabulary, bias: false, initial: normal() });
  b.output('logits', logits, ['batch', 'sequence', vocabulary]);
  presents.forEach((present, i) => {
    for (const role of ['key', 'value'] as const) b.output(`present.${i}.${role}`, present[role]);
  });
  return b.build();
}

/** Positions of the new tokens, int64 [sequence], and what each may look at, bool [sequence, past + sequence]. */
function places(b: NetworkBuilder, ids: Value, past: Value | undefined) {
  const before = past ? sizeOf(b, past, 2) : b.integers(0);
  const count = sizeOf(b, ids, 1);
  const total = past ? b.op('Add', [before, count]) : count;
  const queries = positions(b, before, total);
  const keys = past ? positions(b, b.integers(0), total) : queries;
  return { queries, mask: causalMask(b, queries, keys) };
}
