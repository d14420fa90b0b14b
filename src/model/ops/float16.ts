/** What may compute in float16: one row an op. What has no row stays in float32, with that as the reason.
 *    product   worth a Cast on either side: matrix products, normalisations with a float32 core, attention
 *    light     follows its neighbours, so that no Cast is put around it alone
 *    reader    takes either precision and gives no float
 *    stored    no provider has a float16 kernel: computes in float32 from weights stored in float16, which runtimes
 *              expand once at load
 *  Inputs and outputs that ONNX wants in float32 whatever the rest is are named in `float32Inputs`, `float32Outputs`.
 *  Sources: ONNX operator specs (type constraints); onnxruntime ContribOperators. */
import { textAttribute } from '../ir/attribute.ts';
import { constantOf, isOp, type Node, opKey } from '../ir/model.ts';
import { rulesOf } from './operators.ts';
import type { Float16Kind } from './types.ts';

const rows = (kind: Float16Kind, ops: string): [string, Float16Kind][] =>
  ops
    .trim()
    .split(/\s+/)
    .map((op) => [op, kind]);

const table: ReadonlyMap<string, Float16Kind> = new Map([
  ...Object.entries(rulesOf('float16')),
  ...rows(
    'product',
    `Attention BatchNormalization Conv ConvTranspose DeformConv Einsum Gemm GroupNormalization
     InstanceNormalization LayerNormalization LRN MatMul MeanVarianceNormalization RMSNormalization
     RotaryEmbedding SimplifiedLayerNormalization
     com.microsoft:Attention com.microsoft:FusedConv com.microsoft:FusedGemm com.microsoft:FusedMatMul
     com.microsoft:GatherBlockQuantized com.microsoft:GroupNorm com.microsoft:GroupQueryAttention
     com.microsoft:MatMulNBits com.microsoft:MultiHeadAttention com.microsoft:RotaryEmbedding
     com.microsoft:SkipLayerNormalization com.microsoft:SkipSimplifiedLayerNormalization`,
  ),
  ...rows(
    'light',
    `Abs Add Celu Ceil Clip Cos Div Dropout Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish
     Hardmax LeakyRelu Less LessOrEqual Log LogSoftmax Max Mean Min Mish Mul Neg Pow PRelu Reciprocal Relu Round Selu
     Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Sub Sum Swish Tanh ThresholdedRelu Where
     com.microsoft:BiasGelu com.microsoft:FastGelu com.microsoft:Gelu com.microsoft:QuickGelu
     Compress Concat DepthToSpace Expand Flatten Gather GatherElements GatherND Identity Pad Reshape Resize
     ReverseSequence ScatterElements ScatterND Slice SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze
     AveragePool GlobalAveragePool GlobalMaxPool MaxPool MaxUnpool ReduceMax ReduceMean ReduceMin ReduceSum
     ReduceSumSquare
     Cast`,
  ),
  ...rows('reader', 'ArgMax ArgMin IsNaN NonZero Shape Size'),
  ...rows('stored', 'GRU LSTM RNN'),
]);

/** Ops that onnxruntime's own converter keeps in float32: no kernel, or numbers that float16 is too coarse for. */
export const keptInFloat32: readonly string[] = [
  'ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder',
  'LinearClassifier LinearRegressor Normalizer OneHotEncoder RandomUniformLike SVMClassifier SVMRegressor Scaler',
  'TreeEnsembleClassifier TreeEnsembleRegressor ZipMap NonMaxSuppression TopK RoiAlign Range CumSum Min Max Upsample',
].flatMap((line) => line.split(' '));

/** null: the op has no float16 form that we know of. An embedding table starts an activation, as a product does. */
export function float16Kind(node: Node): Float16Kind | null {
  if (isOp(node, 'Gather') && constantOf(node.inputs[0])) return 'product';
  if (isOp(node, 'ScatterElements', 'ScatterND') && !addsUp(node)) return null;
  return table.get(opKey(node)) ?? null;
}

/** onnxruntime 1.30 opens others in float16, and fails when it runs them ("MLFloat16 … not supported … reduction is 'max'"). */
const addsUp = (node: Node): boolean => ['none', 'add'].includes(textAttribute(node, 'reduction', 'none'));

/** Whether the input is float32 also where the node computes in float16. */
export const isFloat32Input = (node: Node, index: number): boolean =>
  isOp(node, 'Resize')
    ? index === 1 || index === 2
    : isOp(node, 'Dropout')
      ? index === 1
      : isOp(node, 'com.microsoft:GroupNorm')
        ? index === 1 || index === 2
        : false;

/** Mean and inverse deviation of a normalisation. */
export const isFloat32Output = (node: Node, index: number): boolean =>
  isOp(node, 'LayerNormalization', 'SimplifiedLayerNormalization')
    ? index > 0
    : isOp(node, 'com.microsoft:SkipLayerNormalization', 'com.microsoft:SkipSimplifiedLayerNormalization')
      ? index === 1 || index === 2
      : false;
