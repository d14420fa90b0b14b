/** Operators that hold biases, scales and other parameters; those that pass weights on; those that read none.
 *  Sources: ONNX operator specs; the schemas that onnxruntime 1.32 registers (see products.ts). */
import { others, row, rowsOf, type WeightRow, type WeightTable } from './row.ts';

/** QLinearConcat: scale and zero point of the result, then data, scale and zero point of each operand. */
const concatenated: WeightRow = {
  kind: 'weights',
  forms: new Set(),
  inputs: (node) => [
    ...others('quantizer', 0, 1),
    ...node.inputs.flatMap((_, i) => (i < 2 ? [] : others(i % 3 === 2 ? 'packed' : 'quantizer', i))),
  ],
};

export const parameterWeights: WeightTable = {
  BatchNormalization: row(others('parameter', 1, 2), others('statistic', 3, 4)),
  GroupNormalization: row(others('parameter', 1, 2)),
  InstanceNormalization: row(others('parameter', 1, 2)),
  LayerNormalization: row(others('parameter', 1, 2)),
  PRelu: row(others('parameter', 1)),
  RMSNormalization: row(others('parameter', 1)),
  SimplifiedLayerNormalization: row(others('parameter', 1)),
  'com.microsoft:BiasAdd': row(others('bias', 1)),
  'com.microsoft:BiasDropout': row(others('bias', 1)),
  'com.microsoft:BitmaskBiasDropout': row(others('bias', 1)),
  'com.microsoft:BiasGelu': row(others('bias', 1)),
  'com.microsoft:BiasSoftmax': row(others('bias', 1)),
  'com.microsoft:BiasSplitGelu': row(others('bias', 1)),
  'com.microsoft:DecoderMaskedMultiHeadAttention': row(others('bias', 10)),
  'com.microsoft:FastGelu': row(others('bias', 1)),
  'com.microsoft:GatedRMSNorm': row(others('parameter', 1)),
  'com.microsoft:GroupQueryAttention': row(others('parameter', 11, 14, 15), others('quantizer', 12, 13)),
  'com.microsoft:GroupNorm': row(others('parameter', 1, 2)),
  'com.microsoft:MultiHeadAttention': row(others('bias', 3)),
  'com.microsoft:PagedAttention': row(others('parameter', 11, 12, 13), others('quantizer', 14, 15)),
  'com.microsoft:PackedMultiHeadAttention': row(others('bias', 3)),
  'com.microsoft:SkipGroupNorm': row(others('parameter', 1, 2), others('bias', 4)),
  'com.microsoft:SkipLayerNormalization': row(others('parameter', 2, 3), others('bias', 4)),
  'com.microsoft:SkipSimplifiedLayerNormalization': row(others('parameter', 2), others('bias', 3)),
  'com.ms.internal.nhwc:BatchNormalization': row(others('parameter', 1, 2), others('statistic', 3, 4)),
  'com.ms.internal.nhwc:InstanceNormalization': row(others('parameter', 1, 2)),
};

/** What is stored in integers, and becomes a float here. */
export const packedWeights: WeightTable = {
  DequantizeLinear: row(others('packed', 0), others('quantizer', 1, 2)),
  'com.microsoft:DequantizeLinear': row(others('packed', 0), others('quantizer', 1, 2)),
  QuantizeLinear: row(others('quantizer', 1, 2)),
  'com.microsoft:QuantizeLinear': row(others('quantizer', 1, 2)),
  'com.microsoft:QLinearAveragePool': row(others('quantizer', 1, 2, 3, 4)),
  'com.microsoft:QLinearGlobalAveragePool': row(others('quantizer', 1, 2, 3, 4)),
  'com.microsoft:QLinearLeakyRelu': row(others('quantizer', 1, 2, 3, 4)),
  'com.microsoft:QLinearSigmoid': row(others('quantizer', 1, 2, 3, 4)),
  'com.microsoft:QLinearSoftmax': row(others('quantizer', 1, 2, 3, 4)),
  'com.microsoft:QLinearAdd': row(others('packed', 0, 3), others('quantizer', 1, 2, 4, 5, 6, 7)),
  'com.microsoft:QLinearMul': row(others('packed', 0, 3), others('quantizer', 1, 2, 4, 5, 6, 7)),
  'com.microsoft:QLinearConcat': concatenated,
  'com.microsoft:QLinearReduceMean': row(others('quantizer', 1, 2, 3, 4)),
  'com.microsoft:QLinearWhere': row(others('packed', 1, 4), others('quantizer', 2, 3, 5, 6, 7, 8)),
  'com.ms.internal.nhwc:QLinearAveragePool': row(others('quantizer', 1, 2, 3, 4)),
};

export const otherWeights: WeightTable = {
  ...rowsOf('operands', 'Add Concat Div Mul Sub'),
  ...rowsOf(
    'moves',
    `BitCast Cast CastLike CenterCropPad Compress DepthToSpace Dropout Expand Flatten GatherElements GatherND Identity
     Pad Reshape ReverseSequence Slice SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze
     com.microsoft:BitmaskDropout com.microsoft:ExpandDims com.microsoft:GatherND com.microsoft:Pad
     com.microsoft:RemovePadding com.microsoft:RestorePadding com.microsoft:Trilu
     com.ms.internal.nhwc:DepthToSpace com.ms.internal.nhwc:SpaceToDepth`,
  ),
  ...rowsOf(
    'no-weights',
    `Max Mean Min Mod Pow Resize Scatter ScatterElements ScatterND Sum TensorScatter Upsample Where
     Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax
     IsInf IsNaN LeakyRelu Log LogSoftmax Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax
     Softplus Softsign Sqrt SwiGLU Swish Tan Tanh ThresholdedRelu
     com.microsoft:Gelu com.microsoft:QuickGelu
     And BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Equal Greater GreaterOrEqual Less LessOrEqual Or Xor
     ArgMax ArgMin CumProd CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
     ReduceProd ReduceSum ReduceSumSquare TopK
     AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool MaxRoiPool MaxUnpool RoiAlign
     LRN LpNormalization MeanVarianceNormalization
     Attention LinearAttention RotaryEmbedding ai.onnx.preview:FlexAttention com.microsoft:GemmaRotaryEmbedding
     com.microsoft:LinearAttention com.microsoft:MRotaryEmbedding com.microsoft:RotaryEmbedding
     com.microsoft:SparseAttention com.microsoft:NhwcMaxPool com.microsoft:SwiGLU
     com.ms.internal.nhwc:AveragePool com.ms.internal.nhwc:GlobalAveragePool com.ms.internal.nhwc:GlobalLpPool
     com.ms.internal.nhwc:GlobalMaxPool com.ms.internal.nhwc:GridSample com.ms.internal.nhwc:LRN
     com.ms.internal.nhwc:LpPool com.ms.internal.nhwc:MaxPool com.ms.internal.nhwc:MaxUnpool
     com.ms.internal.nhwc:Resize
     AffineGrid Bernoulli BlackmanWindow Col2Im Constant ConstantOfShape DFT Det DynamicQuantizeLinear EyeLike GridSample
     HammingWindow HannWindow ImageDecoder MelWeightMatrix Multinomial NegativeLogLikelihoodLoss NonMaxSuppression NonZero
     OneHot RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range RegexFullMatch STFT Shape Size
     SoftmaxCrossEntropyLoss StringConcat StringNormalizer StringSplit TfIdfVectorizer Unique
     com.microsoft:CDist com.microsoft:GridSample com.microsoft:Inverse com.microsoft:IsAllFinite com.microsoft:Range
     com.microsoft:Unique
     If Loop Scan Optional OptionalGetElement OptionalHasElement ConcatFromSequence SequenceAt SequenceConstruct
     SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence
     ai.onnx.ml:ArrayFeatureExtractor ai.onnx.ml:Binarizer ai.onnx.ml:Imputer ai.onnx.ml:LabelEncoder
     ai.onnx.ml:LinearClassifier ai.onnx.ml:LinearRegressor ai.onnx.ml:Normalizer ai.onnx.ml:Scaler
     ai.onnx.ml:TreeEnsemble ai.onnx.ml:TreeEnsembleClassifier ai.onnx.ml:TreeEnsembleRegressor
     ai.onnx.preview.training:Adagrad ai.onnx.preview.training:Adam ai.onnx.preview.training:Gradient
     ai.onnx.preview.training:Momentum`,
  ),
};
