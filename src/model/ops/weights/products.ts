/** Convolutions, matrix products, recurrent networks and tables of embeddings.
 *  Sources: ONNX operator specs; the schemas that onnxruntime 1.32 registers (contrib_defs.cc, bert_defs.cc,
 *  quantization_defs.cc, nhwc_schema_defs.cc), which test/model/ops/contrib-inputs.json repeats and a test compares. */
import { intAttribute, textAttribute } from '../../ir/attribute.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import { einsumTerms } from '../einsum.ts';
import {
  noForms,
  noLayout,
  others,
  row,
  type WeightForm,
  type WeightInput,
  type WeightLayout,
  type WeightRow,
  type WeightTable,
} from './row.ts';

const forms = (...list: readonly WeightForm[]): ReadonlySet<WeightForm> => new Set(list);

/** Kept as numbers of their own in whatever is stored: what needs no kernel of its operator. */
const storable = ['int8-stored', 'sparse', 'palette'] as const;

type Layout = WeightInput['layout'];

const axes = (
  channel: number | null,
  reduced: readonly number[],
  outputs: readonly number[] = channel === null ? [] : [channel],
): WeightLayout => ({ channel, outputs, reduced, groups: 1, kernel: null });

/** All axes from `first` up to the rank. */
const from = (first: number, rank: number) => Array.from({ length: rank - first }, (_, i) => first + i);

/** [out, in/group, …kernel], or [in, out/group, …kernel] of a transposed one. */
const kernelOf =
  (channel: 0 | 1, kernel: WeightLayout['kernel']): Layout =>
  (node, rank) =>
    rank < 3
      ? null
      : {
          channel,
          outputs: [channel],
          reduced: [1 - channel, ...from(2, rank)],
          groups: intAttribute(node, 'group', 1),
          kernel,
        };

/** [out, …kernel, in/group] under channels-last activations. */
const channelsLastKernel: Layout = (node, rank) =>
  rank < 3
    ? null
    : {
        channel: 0,
        outputs: [0],
        reduced: from(1, rank),
        groups: intAttribute(node, 'group', 1),
        kernel: 'channels-last',
      };

const convolution = kernelOf(0, 'channels-first');
const transposedConvolution = kernelOf(1, 'channels-first');

/** The two last of `order` (axes of the weight in the order of the product) as [K, N] of a right factor or [M, K] of a
 *  left one. A vector is summed over whole. */
function factor(order: readonly number[], isLeft: boolean): WeightLayout | null {
  const [a, b] = order.slice(-2);
  if (a === undefined) return null;
  if (b === undefined) return axes(null, [a]);
  return isLeft ? axes(a, [b]) : axes(b, [a]);
}

const turned = (order: readonly number[], flag: boolean): readonly number[] =>
  flag && order.length > 1 ? [...order.slice(0, -2), ...order.slice(-2).reverse()] : order;

const matrix =
  (isLeft: boolean): Layout =>
  (_, rank) =>
    factor(from(0, rank), isLeft);

/** transA, transB; FusedMatMul's transBatchA and -B move the first axis to the place before the last. */
const transposable =
  (isLeft: boolean): Layout =>
  (node, rank) => {
    const side = isLeft ? 'A' : 'B';
    const moved = rank > 2 && intAttribute(node, `transBatch${side}`, 0) !== 0;
    const order = moved ? [...from(1, rank - 1), 0, rank - 1] : from(0, rank);
    return factor(turned(order, intAttribute(node, `trans${side}`, 0) !== 0), isLeft);
  };

const weight = (
  index: number,
  activation: number | null,
  bias: number | null,
  layout: Layout,
  can: ReadonlySet<WeightForm>,
): WeightInput => ({ index, role: 'product', activation, bias, layout, forms: can });

/** A matrix on the right of an operator that computes in float only: it can be stored in other forms. */
export const productWeight = (index: number, activation: number, bias: number | null): WeightInput =>
  weight(index, activation, bias, matrix(false), forms(...storable));

const packed = (
  index: number,
  activation: number | null,
  bias: number | null,
  layout: Layout,
): WeightInput => ({
  ...weight(index, activation, bias, layout, noForms),
  role: 'packed',
});

const convRow = (layout: Layout, can: ReadonlySet<WeightForm>) =>
  row(weight(1, 0, 2, layout, can), others('bias', 2));

const all = forms('int8-static', 'int8-dynamic', 'blockwise', 'low-rank', ...storable);

/** Either factor may be the weight. The kernels that compute in integers want it on the right. */
const productRow = (of: (isLeft: boolean) => Layout, bias: number | null, right: ReadonlySet<WeightForm>) =>
  row(
    weight(0, 1, bias, of(true), forms(...storable)),
    weight(1, 0, bias, of(false), right),
    bias === null ? [] : others('bias', bias),
  );

/** Each operand of an Einsum: letters that other operands or nobody else read, see `operandLayout`. */
const einsum: WeightRow = {
  kind: 'weights',
  forms: forms(...storable),
  inputs: (node) =>
    node.inputs.map((_, index) =>
      weight(
        index,
        node.inputs.length === 2 ? 1 - index : null,
        null,
        (n, rank) => operandLayout(n, index, rank),
        forms(...storable),
      ),
    ),
};

/** Letters of the operand that the output lacks are summed over; those that the output has from this operand alone
 *  are channels; the rest are batches. */
function operandLayout(node: Node, index: number, rank: number): WeightLayout | null {
  const ranks = node.inputs.map((v, i) => (i === index ? rank : (shapeOf(v)?.length ?? 0)));
  const { inputs, output } = einsumTerms(textAttribute(node, 'equation', ''), ranks);
  const own = inputs[index];
  if (own?.length !== rank) return null;
  const elsewhere = new Set(inputs.flatMap((letters, i) => (i === index ? [] : letters)));
  const places = (is: (letter: string) => boolean) => own.flatMap((l, i) => (is(l) ? [i] : []));
  const outputs = places((l) => output.includes(l) && !elsewhere.has(l));
  return axes(
    outputs.at(-1) ?? null,
    places((l) => !output.includes(l)),
    outputs,
  );
}

/** W [directions, gates·H, I] and R [directions, gates·H, H]; bias, initial states and peepholes beside them. */
const recurrent = (can: readonly WeightForm[], ...parameters: readonly number[]): WeightRow =>
  row(
    [1, 2].map((index) => ({
      index,
      role: 'recurrent' as const,
      activation: index === 1 ? 0 : null,
      bias: 3,
      layout: (_: Node, rank: number) => (rank === 3 ? axes(1, [2]) : null),
      forms: forms(...can, ...storable),
    })),
    others('bias', 3),
    others('parameter', ...parameters),
  );

/** Rows along `axis`, each with its scale. */
const table = (
  index: number,
  indices: number | null,
  can: ReadonlySet<WeightForm>,
  axis: (node: Node, rank: number) => number = () => 0,
): WeightInput => ({
  index,
  role: 'table',
  activation: indices,
  bias: null,
  layout: (node, rank) => (rank === 0 ? null : axes(axis(node, rank), [])),
  forms: can,
});

const gatherAxis = (node: Node, rank: number) => {
  const axis = intAttribute(node, 'axis', 0);
  return axis < 0 ? axis + rank : axis;
};

/** Scales and zero points. */
const quantizer = (...indices: readonly number[]) => others('quantizer', ...indices);

const qLinearConv = (layout: Layout): WeightRow =>
  row(packed(3, 0, 8, layout), others('bias', 8), quantizer(1, 2, 4, 5, 6, 7));

export const productWeights: WeightTable = {
  Conv: convRow(convolution, forms('int8-static', 'low-rank', ...storable)),
  ConvTranspose: convRow(transposedConvolution, forms(...storable)),
  DeformConv: row(weight(1, 0, 3, convolution, forms(...storable)), others('bias', 3)),
  CausalConvWithState: convRow(convolution, forms(...storable)),
  'com.microsoft:CausalConvWithState': convRow(convolution, forms(...storable)),
  ConvInteger: row(packed(1, 0, null, convolution), quantizer(2, 3)),
  QLinearConv: qLinearConv(convolution),
  Einsum: einsum,
  Gather: row(table(0, 1, forms('int8-stored', 'blockwise', 'palette'), gatherAxis)),
  Gemm: productRow(transposable, 2, all),
  MatMul: productRow(matrix, null, all),
  MatMulInteger: row(packed(0, 1, null, matrix(true)), packed(1, 0, null, matrix(false)), quantizer(2, 3)),
  QLinearMatMul: row(
    packed(3, 0, null, matrix(false)),
    packed(0, 3, null, matrix(true)),
    quantizer(1, 2, 4, 5, 6, 7),
  ),
  GRU: recurrent([]),
  LSTM: recurrent(['int8-dynamic'], 7),
  RNN: recurrent([]),
  'com.microsoft:FusedConv': convRow(convolution, forms(...storable)),
  // Source: nhwc_schema_defs.cc (only activations are channels-last), nhwc_transformer.cc (weights aren't turned).
  'com.microsoft:NhwcFusedConv': convRow(kernelOf(0, 'channels-last'), forms(...storable)),
  // Weights are channels-last too. Source: fusion_nhwc_conv.py, which writes it, and the CUDA kernel (conv.cc), which
  // turns weights in com.ms.internal.nhwc alone; the schema's text is that of Conv.
  'com.microsoft:NhwcConv': convRow(channelsLastKernel, forms(...storable)),
  'com.ms.internal.nhwc:Conv': convRow(kernelOf(0, 'channels-last'), forms(...storable)),
  'com.ms.internal.nhwc:ConvTranspose': convRow(kernelOf(1, 'channels-last'), forms(...storable)),
  'com.microsoft:ConvTransposeWithDynamicPads': row(
    weight(1, 0, 3, transposedConvolution, forms(...storable)),
    others('bias', 3),
  ),
  'com.microsoft:QLinearConv': qLinearConv(convolution),
  'com.ms.internal.nhwc:QLinearConv': qLinearConv(kernelOf(0, 'channels-last')),
  'com.ms.internal.nhwc:QLinearConvTranspose': qLinearConv(kernelOf(1, 'channels-last')),
  'com.microsoft.nchwc:Conv': row(weight(1, 0, 2, noLayout, noForms), others('bias', 2)),
  'com.microsoft:FusedGemm': productRow(transposable, 2, forms('sparse', 'palette', 'int8-stored')),
  'com.microsoft:FusedMatMul': productRow(transposable, null, forms(...storable)),
  'com.microsoft:FusedMatMulActivation': productRow(transposable, null, forms(...storable)),
  'com.microsoft:TransposeMatMul': productRow(transposable, null, forms(...storable)),
  'com.microsoft:MatMulInteger16': row(packed(1, 0, null, matrix(false)), packed(0, 1, null, matrix(true))),
  'com.microsoft:MatMulIntegerToFloat': row(
    packed(1, 0, 6, matrix(false)),
    others('bias', 6),
    quantizer(2, 3, 4, 5),
  ),
  'com.microsoft:DynamicQuantizeMatMul': row(
    packed(1, 0, 4, matrix(false)),
    others('bias', 4),
    quantizer(2, 3),
  ),
  'com.microsoft:QGemm': row(
    packed(3, 0, 6, transposable(false)),
    others('bias', 6),
    quantizer(1, 2, 4, 5, 7, 8),
  ),
  'com.microsoft:MatMulNBits': row(packed(1, 0, 5, noLayout), quantizer(2, 3, 4), others('bias', 5)),
  'com.microsoft:MatMulNBitsMlp': row(
    packed(3, 0, 5, noLayout),
    packed(6, 0, 8, noLayout),
    quantizer(4, 7),
    others('bias', 5, 8),
    others('parameter', 2),
  ),
  'com.microsoft:MatMulNBitsQkv': row(
    [3, 6, 9].map((i) => packed(i, 0, i + 2, noLayout)),
    quantizer(4, 7, 10),
    others('bias', 5, 8, 11),
    others('parameter', 2),
  ),
  'com.microsoft:MatMulFpQ4': row(packed(1, 0, null, noLayout)),
  'com.microsoft:GemmFloat8': row(
    weight(1, 0, 2, transposable(false), forms(...storable)),
    others('bias', 2),
    quantizer(3, 4, 5),
  ),
  'com.microsoft:MatMulBnb4': row(packed(1, 0, null, noLayout), quantizer(2)),
  'com.microsoft:GatherBlockQuantized': row(packed(0, 1, null, noLayout), quantizer(2, 3)),
  'com.microsoft:DynamicQuantizeLSTM': row(
    packed(1, 0, 3, (_, rank) => (rank === 3 ? axes(2, [1]) : null)),
    packed(2, null, 3, (_, rank) => (rank === 3 ? axes(2, [1]) : null)),
    others('bias', 3),
    others('parameter', 7),
    quantizer(8, 9, 10, 11),
  ),
  'com.microsoft:Attention': row(productWeight(1, 0, 2), others('bias', 2)),
  'com.microsoft:DecoderMaskedSelfAttention': row(productWeight(1, 0, 2), others('bias', 2)),
  'com.microsoft:PackedAttention': row(productWeight(1, 0, 2), others('bias', 2)),
  'com.microsoft:LongformerAttention': row(
    productWeight(1, 0, 2),
    productWeight(4, 0, 5),
    others('bias', 2, 5),
  ),
  'com.microsoft:DecoderAttention': row(productWeight(2, 0, 4), productWeight(3, 1, 4), others('bias', 4)),
  'com.microsoft:QAttention': row(packed(1, 0, 2, matrix(false)), others('bias', 2), quantizer(3, 4, 6, 7)),
  // The order of an expert's two axes has changed between versions; each has a matrix of its own on axis 0. fc2 reads
  // what fc1 (and fc3) answer inside.
  'com.microsoft:MoE': row(
    [2, 4, 6].map((i) => weight(i, i === 4 ? null : 0, i + 1, noLayout, forms('sparse', 'palette'))),
    others('bias', 3, 5, 7),
  ),
  'com.microsoft:QMoE': row(
    [2, 5, 8].map((i) => packed(i, i === 5 ? null : 0, i + 2, noLayout)),
    others('bias', 4, 7, 10),
    quantizer(3, 6, 9, 11, 12, 13, 15, 16, 17, 18, 19, 20),
  ),
  'com.microsoft:EmbedLayerNormalization': row(
    table(2, 0, forms('int8-stored', 'palette')),
    table(3, 8, forms('int8-stored', 'palette')),
    table(4, 1, forms('int8-stored', 'palette')),
    others('parameter', 5, 6),
  ),
  'com.microsoft:QEmbedLayerNormalization': row(
    others('packed', 2, 3, 4, 5, 6),
    quantizer(8, 9, 10, 11, 12, 13, 14, 15, 16, 17),
  ),
  'com.microsoft:TorchEmbedding': row(table(0, 1, forms('int8-stored', 'palette'))),
  // [buckets, heads]: which bucket is read follows from two lengths. Source: bert_defs.cc.
  'com.microsoft:RelativePositionBias': row(table(0, null, forms('int8-stored', 'palette'))),
  'com.microsoft:GatedRelativePositionBias': row(
    weight(3, 0, 4, matrix(false), forms(...storable)),
    others('bias', 1, 4),
    others('parameter', 5),
  ),
};
