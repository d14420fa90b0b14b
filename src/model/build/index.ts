/** Building networks, layer by layer or whole. */
export {
  type AttentionOptions,
  type AttentionOutputs,
  causalMask,
  multiHeadAttention,
  notPadding,
  paddingMask,
} from './attention.ts';
export { type Attributes, type NetworkBuilder, type NetworkSettings, networkBuilder } from './builder.ts';
export { type CopiedWeights, copyWeights } from './copy-weights.ts';
export {
  type Initial,
  initialTensor,
  kaiming,
  normal,
  ones,
  uniform,
  values,
  xavier,
  zeros,
} from './initial.ts';
export * from './layers.ts';
export { type CnnConfig, cnn, cnnFull, cnnTiny } from './networks/cnn.ts';
export { type Gpt2Config, gpt2, gpt2Full, gpt2Tiny } from './networks/gpt2.ts';
export { type MlpConfig, mlp, mlpFull, mlpTiny } from './networks/mlp.ts';
export {
  type StackedLstmConfig,
  stackedLstm,
  stackedLstmFull,
  stackedLstmTiny,
} from './networks/stacked-lstm.ts';
export { type T5Config, t5, t5Full, t5Tiny } from './networks/t5.ts';
export {
  type TransformerEncoderConfig,
  transformerEncoder,
  transformerEncoderFull,
  transformerEncoderTiny,
} from './networks/transformer-encoder.ts';
export { type VitConfig, vit, vitFull, vitTiny } from './networks/vit.ts';
export { type RelativeOptions, relativeBias, relativeBuckets } from './relative-positions.ts';
