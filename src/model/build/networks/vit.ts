/** Vision transformer: image float [batch, channels, side, side] → logits [batch, classes]. */
import type { Model } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { multiHeadAttention } from '../attention.ts';
import { networkBuilder } from '../builder.ts';
import { normal } from '../initial.ts';
import { conv, dense, dropout, feedForward, layerNorm, sizeOf } from '../layers.ts';

export interface VitConfig {
  readonly side: number;
  readonly channels: number;
  /** Side of a patch; must divide `side`. */
  readonly patch: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly hidden: number;
  readonly classes: number;
  readonly dropout?: number;
  readonly seed?: number;
  readonly opset?: number;
}

/** ViT-B/16 for 224×224: 86 567 656 weights. */
export const vitFull: VitConfig = {
  side: 224,
  channels: 3,
  patch: 16,
  width: 768,
  heads: 12,
  layers: 12,
  hidden: 3072,
  classes: 1000,
};
/** 28×28 in 16 patches: 41 770 weights; 183 kB as a file. */
export const vitTiny: VitConfig = {
  side: 28,
  channels: 1,
  patch: 7,
  width: 48,
  heads: 4,
  layers: 2,
  hidden: 96,
  classes: 10,
};

/** Input "pixel_values"; layers "patches", "class_token", "positions", "block0" …, "norm", "classifier" (from the class
 *  token). @see Dosovitskiy et al. 2020, arXiv:2010.11929 */
export function vit(config: VitConfig = vitFull): Model {
  const b = networkBuilder({ name: 'vit', ...config });
  const { side, channels, patch, width, heads, hidden, dropout: ratio = 0 } = config;
  b.check(side % patch === 0, `side must be a multiple of patch (${patch}); ${side} came`);
  const image = b.input('pixel_values', 'float32', ['batch', channels, side, side]);
  const count = (side / patch) ** 2;
  const fanIn = channels * patch * patch;
  const grid = conv(b, 'patches', image, {
    inputs: channels,
    outputs: width,
    kernel: patch,
    stride: patch,
    initial: normal(1 / Math.sqrt(fanIn)),
  });
  const patches = b.at('patches');
  const rows = patches.op('Reshape', [grid, b.integers(0, width, count)]);
  const tokens = patches.op('Transpose', [rows], { perm: [0, 2, 1] });
  const first = b.at('class_token');
  const shape = first.op('Concat', [sizeOf(first, image, 0), b.integers(1, width)], { axis: 0 });
  const token = first.op('Expand', [first.weight('weight', [1, 1, width], normal()), shape]);
  const sequence = b.op('Concat', [token, tokens], { axis: 1 });
  const where = b.at('positions').weight('weight', [1, count + 1, width], normal());
  let x = dropout(b, 'dropout', b.at('positions').op('Add', [sequence, where]), ratio);
  for (let i = 0; i < config.layers; i++) {
    const at = b.at(`block${i}`);
    const seen = layerNorm(at, 'norm0', x, width, 1e-6);
    const attended = multiHeadAttention(at, 'attention', seen, { width, heads, dropout: ratio });
    x = at.op('Add', [x, dropout(at, 'dropout0', attended.output, ratio)]);
    const known = layerNorm(at, 'norm1', x, width, 1e-6);
    const fed = feedForward(at, 'mlp', known, { width, hidden, activation: 'gelu', dropout: ratio });
    x = at.label(at.op('Add', [x, dropout(at, 'dropout1', fed, ratio)]), 'output');
  }
  const normed = layerNorm(b, 'norm', x, width, 1e-6);
  const pooled = b
    .at('class_token')
    .op('Gather', [normed, first.constant('place', tensorOf('int64', [], [0]))], { axis: 1 });
  const logits = dense(b, 'classifier', pooled, { inputs: width, outputs: config.classes });
  b.output('logits', logits, ['batch', config.classes]);
  return b.build();
}
