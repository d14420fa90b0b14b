/** Exact rewrites that every recipe starts with: same outputs, fewer nodes, a graph that quantisation understands.
 *  Order: first one form of every operator and all that is constant as a constant; then duplicates, which folding and
 *  upgrading leave behind; then the fusions, whose operands must be constants by then. What stands around a
 *  BatchNormalization is folded before and after it. Blocks become dilations while their targets are constant and their
 *  Transposes still stand where they were written. */
const typed = [{ pass: 'eliminate-overridable-inputs' }, { pass: 'infer-shapes' }];

const simplify = (shared: { copyShared?: boolean }) => [
  { pass: 'inline-branches' },
  { pass: 'fold-constants' },
  { pass: 'eliminate-identities' },
  { pass: 'collapse-reshapes' },
  { pass: 'eliminate-dead-nodes' },
  { pass: 'fold-dilations' },
  { pass: 'fuse-crop' },
  { pass: 'collapse-transposes' },
  { pass: 'eliminate-identities' },
  { pass: 'eliminate-dead-nodes' },
  { pass: 'deduplicate-initializers' },
  { pass: 'eliminate-common-subexpressions' },
  { pass: 'fuse-layer-norms' },
  { pass: 'fuse-activations' },
  { pass: 'fuse-pad' },
  { pass: 'fuse-conv-add' },
  { pass: 'fuse-conv-mul', options: shared },
  { pass: 'fuse-conv-batchnorm', options: shared },
  { pass: 'fuse-conv-mul', options: shared },
  { pass: 'fuse-conv-add' },
  { pass: 'fuse-matmul-add' },
  { pass: 'eliminate-dead-nodes' },
  { pass: 'deduplicate-initializers' },
  { pass: 'infer-shapes' },
];

const newest = { pass: 'upgrade-opset' };

export const cleanUp = { name: 'clean up', passes: [...typed, newest, ...simplify({})] };

const opened = (
  functions: { half?: boolean },
  fused: { ops?: string[] },
  shared: { copyShared?: boolean } = {},
) => ({
  name: 'clean up',
  passes: [
    ...typed,
    { pass: 'inline-functions', options: functions },
    newest,
    { pass: 'decompose-fused', options: fused },
    ...simplify(shared),
  ],
});

/** Fused operators of which float16 has no form; Conv and ConvTranspose are those of com.ms.internal.nhwc. */
const withoutHalf = [
  'Conv',
  'ConvTranspose',
  'NhwcConv',
  'NhwcFusedConv',
  'EmbedLayerNormalization',
  'GemmFastGelu',
  'TransposeMatMul',
  'ConvTransposeWithDynamicPads',
];

/** The same for recipes that compress weights: what hides weights from them is opened first. */
export const openUp = opened({}, {});

/** The same for recipes that compute in integers: products in other forms and types become MatMul, Conv and Gemm in float32. A
 *  BatchNormalization that stays behind a product keeps it from ending in integers, and copies of its weight are small there. */
export const openUpToCompute = {
  name: openUp.name,
  passes: [
    ...opened({}, {}, { copyShared: true }).passes,
    { pass: 'lower-products', options: { onlyForIntegers: true } },
    { pass: 'widen-products' },
    { pass: 'infer-shapes' },
  ],
};

/** The same for 4 bits, which only a weight on the right of MatMul takes. */
export const openUpToPack = {
  name: openUp.name,
  passes: [...openUp.passes, { pass: 'lower-products' }, { pass: 'infer-shapes' }],
};

/** The same where weights are only stored in fewer bits: Attention expands its own, and is a little faster whole. */
export const openUpToStore = opened({}, { ops: ['FusedConv', 'FusedGemm', 'FusedMatMul', ...withoutHalf] });

/** The same for float16: what has a form in it stays; so does a call of a function whose body
 *  computes in either. */
export const openUpToHalf = opened({ half: true }, { ops: withoutHalf });

/** The same for 4 bits in half floats. */
export const openUpForHalf = opened({ half: true }, {});
