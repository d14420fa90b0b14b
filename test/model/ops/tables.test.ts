/** Crosses the operator tables: whoever has a shape rule has a row in every table that concerns it, or is named here with the
 *  reason why not. An operator that is simply forgotten fails. */
import { describe, expect, it } from 'vitest';
import { lowerings } from '../../../src/compute/autodiff/lowerings/index.ts';
import { gradientRules } from '../../../src/compute/autodiff/rules/index.ts';
import type { Node } from '../../../src/model/ir/model.ts';
import { channelRules } from '../../../src/model/ops/channels.ts';
import { costRules } from '../../../src/model/ops/cost.ts';
import { float16Kind, keptInFloat32 } from '../../../src/model/ops/float16.ts';
import { type OperatorRow, operators } from '../../../src/model/ops/operators.ts';
import { quantizationTraits } from '../../../src/model/ops/quantization.ts';
import { shapeRules } from '../../../src/model/ops/shapes/rules.ts';
import { operatorsWith, type WeightRole, weightRows } from '../../../src/model/ops/weights.ts';

/** Reason → operators. */
type Exemptions = Readonly<Record<string, string>>;

const shaped = Object.keys(shapeRules);

/** Facets that a whole row exempts itself from. */
const ownExemptions = (table: keyof OperatorRow): string[] =>
  Object.entries(operators).flatMap(([key, row]) => {
    const rule = row[table];
    return typeof rule === 'object' && 'exempt' in rule ? [key] : [];
  });

const named = (exemptions: Exemptions) =>
  Object.values(exemptions).flatMap((list) => list.trim().split(/\s+/));

/** Operators that are in neither; and exemptions that a row has made untrue. */
function cross(
  wanted: readonly string[],
  has: (key: string) => boolean,
  exemptions: Exemptions,
  own: string[] = [],
) {
  const excused = new Set([...named(exemptions), ...own]);
  return {
    forgotten: wanted.filter((key) => !has(key) && !excused.has(key)),
    excusedForNothing: named(exemptions).filter((key) => has(key) || !wanted.includes(key)),
  };
}

const nothing = { forgotten: [], excusedForNothing: [] };

/** A node that has everything: rows of the weights table ask for its attributes. */
const anyNode = { inputs: [null, null, null, null], attributes: new Map() } as unknown as Node;

const rolesOf = (key: string): readonly WeightRole[] => {
  const row = weightRows[key];
  return row?.kind === 'weights' ? row.inputs(anyNode).map(({ role }) => role) : [];
};

const isKind = (key: string, ...kinds: string[]) => kinds.includes(weightRows[key]?.kind ?? '');

const classical = `ai.onnx.ml:ArrayFeatureExtractor ai.onnx.ml:Binarizer ai.onnx.ml:Imputer ai.onnx.ml:LabelEncoder
  ai.onnx.ml:LinearClassifier ai.onnx.ml:LinearRegressor ai.onnx.ml:Normalizer ai.onnx.ml:Scaler
  ai.onnx.ml:TreeEnsemble ai.onnx.ml:TreeEnsembleClassifier ai.onnx.ml:TreeEnsembleRegressor`;
const optimisers = `ai.onnx.preview.training:Adagrad ai.onnx.preview.training:Adam ai.onnx.preview.training:Gradient
  ai.onnx.preview.training:Momentum`;
const sequences = `ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt SequenceConstruct
  SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence`;
const random = 'Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike';
const signals = 'BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT';
const texts = 'RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer';
const integerForms = `com.microsoft:NhwcMaxPool com.microsoft:QLinearConv com.ms.internal.nhwc:QLinearConv
  ConvInteger MatMulInteger QLinearConv QLinearMatMul com.microsoft:DynamicQuantizeLSTM
  com.microsoft:DynamicQuantizeMatMul com.microsoft:MatMulInteger16 com.microsoft:MatMulIntegerToFloat
  com.microsoft:QAttention com.microsoft:QGemm com.microsoft:QLinearAdd com.microsoft:QLinearAveragePool
  com.microsoft:QLinearConcat com.microsoft:QLinearGlobalAveragePool com.microsoft:QLinearLeakyRelu
  com.microsoft:QLinearMul com.microsoft:QLinearSigmoid com.microsoft:QLinearSoftmax com.microsoft:QMoE`;
const packedForms = 'com.microsoft:GatherBlockQuantized com.microsoft:MatMulBnb4 com.microsoft:MatMulNBits';
const serverOnly = `com.microsoft:BiasAdd com.microsoft:BiasDropout com.microsoft:BiasSoftmax
  com.microsoft:BiasSplitGelu com.microsoft:DecoderMaskedMultiHeadAttention com.microsoft:MoE
  com.microsoft:SkipGroupNorm com.microsoft:DecoderMaskedSelfAttention com.microsoft:LongformerAttention
  com.microsoft:PackedAttention com.microsoft:PackedMultiHeadAttention com.microsoft:FusedMatMulActivation`;
/** Convolutions over channels-last activations. */
const nhwc = `com.microsoft:NhwcConv com.microsoft:NhwcFusedConv com.ms.internal.nhwc:Conv
  com.ms.internal.nhwc:ConvTranspose`;

describe('operator tables', () => {
  it('weights: every operator has a row, if only to say that it reads none', () => {
    expect(cross(shaped, (key) => Object.hasOwn(weightRows, key), {})).toEqual(nothing);
  });

  it('shapes: every operator that holds weights has a rule', () => {
    const exemptions = {
      'written for accelerators and servers; their shapes are left open': `com.microsoft:DecoderAttention
        com.microsoft:MatMulNBitsMlp com.microsoft:MatMulNBitsQkv com.microsoft:MatMulFpQ4 com.microsoft:GemmFloat8
        com.microsoft:QEmbedLayerNormalization com.microsoft:RelativePositionBias
        com.microsoft:GatedRelativePositionBias com.microsoft:BitmaskBiasDropout com.microsoft:BitmaskDropout
        com.microsoft:GatedRMSNorm com.microsoft:PagedAttention com.microsoft:SparseAttention
        com.microsoft:RemovePadding com.microsoft:RestorePadding com.microsoft:GemmaRotaryEmbedding
        com.microsoft:MRotaryEmbedding com.microsoft:SwiGLU com.microsoft:CausalConvWithState
        com.microsoft:LinearAttention`,
      'old contrib forms of standard operators': `com.microsoft:GatherND com.microsoft:TorchEmbedding
        com.microsoft:QLinearReduceMean com.microsoft:QLinearWhere`,
      'layouts of one machine, written at load': `com.microsoft.nchwc:Conv com.ms.internal.nhwc:QLinearConvTranspose
        com.ms.internal.nhwc:BatchNormalization com.ms.internal.nhwc:InstanceNormalization
        com.ms.internal.nhwc:QLinearAveragePool com.ms.internal.nhwc:DepthToSpace com.ms.internal.nhwc:SpaceToDepth
        com.ms.internal.nhwc:AveragePool com.ms.internal.nhwc:GlobalAveragePool com.ms.internal.nhwc:GlobalLpPool
        com.ms.internal.nhwc:GlobalMaxPool com.ms.internal.nhwc:GridSample com.ms.internal.nhwc:LRN
        com.ms.internal.nhwc:LpPool com.ms.internal.nhwc:MaxPool com.ms.internal.nhwc:MaxUnpool
        com.ms.internal.nhwc:Resize`,
      'pads computed while running; taken apart first': 'com.microsoft:ConvTransposeWithDynamicPads',
    };
    expect(cross(Object.keys(weightRows), (key) => Object.hasOwn(shapeRules, key), exemptions)).toEqual(
      nothing,
    );
  });

  it('cost: everything that multiplies by a weight is counted', () => {
    const multiplies = (key: string) =>
      rolesOf(key).some((role) => role === 'product' || role === 'recurrent' || role === 'packed');
    const exemptions = {
      'as many multiplications as elements: memory, not arithmetic': `DequantizeLinear com.microsoft:DequantizeLinear
        com.microsoft:QLinearAdd com.microsoft:QLinearConcat com.microsoft:QLinearMul
        com.microsoft:GatherBlockQuantized`,
      'how many experts a token takes is decided while running': 'com.microsoft:MoE com.microsoft:QMoE',
      'only in models of server providers': `com.microsoft:DecoderMaskedSelfAttention
        com.microsoft:LongformerAttention com.microsoft:PackedAttention`,
    };
    const wanted = shaped.filter(multiplies);
    expect(cross(wanted, (key) => Object.hasOwn(costRules, key), exemptions, ownExemptions('cost'))).toEqual(
      nothing,
    );
  });

  it('quantisation: a product has an integer kernel, and what hands values on keeps their scale', () => {
    const exemptions = {
      'onnxruntime has no integer kernel for it': `ConvTranspose DeformConv CausalConvWithState Einsum
        com.microsoft:MoE com.microsoft:DecoderMaskedSelfAttention com.microsoft:LongformerAttention
        com.microsoft:PackedAttention com.microsoft:FusedMatMulActivation`,
      'taken apart (decompose-fused) before it is quantised': `com.microsoft:Attention com.microsoft:FusedConv
        com.microsoft:FusedGemm com.microsoft:FusedMatMul com.microsoft:TransposeMatMul ${nhwc}`,
      'gone before quantisation': 'Cast CastLike BitCast Dropout Identity',
      'no selector of onnxruntime takes it between Q and DQ': `Trilu com.microsoft:Trilu Div Mul Sub Split Slice
        GatherElements GatherND Pad Tile Expand Compress CenterCropPad ReverseSequence com.microsoft:Pad
        com.microsoft:ExpandDims`,
    };
    const kernels = new Set(operatorsWith('int8-static'));
    const wanted = shaped.filter(
      (key) => rolesOf(key).includes('product') || isKind(key, 'moves', 'operands'),
    );
    const has = (key: string) => kernels.has(key) || quantizationTraits.has(key);
    expect(cross(wanted, has, exemptions, ownExemptions('quantization'))).toEqual(nothing);
  });

  it('channels: pruning knows how the channels of every operator hang together, or pins them for a reason', () => {
    const exemptions = {
      'pruning comes before integers': `${integerForms} ${packedForms} DynamicQuantizeLinear`,
      'what goes into a branch or loop keeps its size': 'If Loop Scan SequenceMap',
      'no tensors': sequences,
      'no channels that weights could lose': `${random} ${signals} ${texts} ${classical} ${optimisers} EyeLike
        ImageDecoder Range com.microsoft:Range BitCast NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss NonMaxSuppression
        com.microsoft:IsAllFinite com.microsoft:CDist com.microsoft:Inverse Det`,
      'indices or positions decide which channel goes where': `Compress GatherElements GatherND NonZero OneHot
        ReverseSequence Scatter ScatterElements ScatterND TensorScatter TopK Unique com.microsoft:Unique`,
      'samples in space; seen behind no layer that was worth pruning': `AffineGrid Col2Im GridSample
        com.microsoft:GridSample MaxRoiPool MaxUnpool RoiAlign CenterCropPad DeformConv`,
      'halves that are paired, as the input says': 'RotaryEmbedding com.microsoft:RotaryEmbedding SwiGLU',
      'heads of caches and states': `LinearAttention ai.onnx.preview:FlexAttention CausalConvWithState
        com.microsoft:GroupQueryAttention`,
      'taken apart (decompose-fused) before weights are compressed': `com.microsoft:FusedMatMul
        com.microsoft:TransposeMatMul com.microsoft:EmbedLayerNormalization ${nhwc}`,
      'statistics over channels': 'MeanVarianceNormalization com.microsoft:GroupNorm',
      'old contrib forms of standard operators': `com.microsoft:ExpandDims com.microsoft:Pad
        com.microsoft:Trilu`,
      'only in models of server providers': serverOnly,
    };
    expect(
      cross(shaped, (key) => Object.hasOwn(channelRules, key), exemptions, ownExemptions('channels')),
    ).toEqual(nothing);
  });

  it('float16: every operator has a form or stays in float32 for a reason', () => {
    const has = (key: string) => {
      const at = key.lastIndexOf(':');
      const node = { ...anyNode, domain: at < 0 ? '' : key.slice(0, at), opType: key.slice(at + 1) };
      return float16Kind(node) !== null || keptInFloat32.includes(key);
    };
    const exemptions = {
      'computes in integers, or is scaled in float32': `${integerForms} DequantizeLinear DynamicQuantizeLinear
        QuantizeLinear com.microsoft:DequantizeLinear com.microsoft:QuantizeLinear com.microsoft:MatMulBnb4`,
      'its body is converted, not the node': 'If Loop Scan SequenceMap',
      'no tensors': sequences,
      'no floats in or out that a weight feeds': `And BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Not Or
        Xor CastLike Constant ConstantOfShape EyeLike OneHot com.microsoft:Range com.microsoft:IsAllFinite Unique
        com.microsoft:Unique`,
      'classical learning, text, pictures, optimisers': `${classical.replaceAll(/ai\.onnx\.ml:\w+/g, (key) => (keptInFloat32.includes(key) ? '' : key))} ${texts} ${optimisers} ImageDecoder`,
      'sums, logarithms and angles that half floats are coarse for': `${signals} CumProd Det com.microsoft:Inverse com.microsoft:CDist Mod
        Acos Acosh Asin Asinh Atan Atanh Cosh Sinh Tan IsInf ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceProd
        LpNormalization LpPool GlobalLpPool NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss`,
      'random numbers are drawn in float32':
        'Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform',
      'float32 is always right, and no other form has been looked up': `AffineGrid CenterCropPad Col2Im GridSample com.microsoft:GridSample
        MaxRoiPool Scatter TensorScatter Shrink SwiGLU CausalConvWithState LinearAttention
        ai.onnx.preview:FlexAttention`,
      'old contrib forms of standard operators': `com.microsoft:ExpandDims com.microsoft:Pad com.microsoft:Trilu
        com.microsoft:TransposeMatMul`,
      'taken apart (decompose-fused) first': `com.microsoft:EmbedLayerNormalization ${nhwc}`,
      'only in models of server providers': serverOnly,
    };
    expect(cross(shaped, has, exemptions, ownExemptions('float16'))).toEqual(nothing);
  });

  it('gradients: what is trained, or hands on what is trained, has a rule', () => {
    const trained: readonly WeightRole[] = ['product', 'table', 'recurrent', 'bias', 'parameter'];
    const wanted = shaped.filter(
      (key) => rolesOf(key).some((role) => trained.includes(role)) || isKind(key, 'moves', 'operands'),
    );
    const exemptions = {
      'integers cut the gradient': `QLinearConv com.microsoft:QLinearConv com.ms.internal.nhwc:QLinearConv com.microsoft:DynamicQuantizeLSTM com.microsoft:DynamicQuantizeMatMul
        com.microsoft:MatMulIntegerToFloat com.microsoft:MatMulNBits com.microsoft:QAttention com.microsoft:QGemm
        com.microsoft:QMoE`,
      'no network is trained in the layout that an optimiser wrote': nhwc,
      'no network here is trained through it': `BitCast CausalConvWithState CenterCropPad Compress DeformConv
        com.microsoft:GroupNorm`,
      'old contrib forms of standard operators': `com.microsoft:ExpandDims com.microsoft:Pad com.microsoft:Trilu`,
      'only in models of server providers': serverOnly,
    };
    const has = (key: string) => Object.hasOwn(gradientRules, key) || Object.hasOwn(lowerings, key);
    expect(cross(wanted, has, exemptions, ownExemptions('gradient'))).toEqual(nothing);
  });
});
