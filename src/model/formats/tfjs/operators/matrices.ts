/** Products of matrices, order of axes. */
import { activation, cast, matched, matmul, transpose } from '../../emit/index.ts';
import { activationOptions, fusionOf } from './convolution.ts';
import { inputOf, numbersOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const product =
  (left: string, right: string): Operator =>
  (call) =>
    matmul(call.e, ...matched(call.e, ...pairOf(call)), {
      transposeA: call.attributes.bool(left, false),
      transposeB: call.attributes.bool(right, false),
    });

const fusedMatMul: Operator = (call) => {
  const { e, attributes } = call;
  const fusion = fusionOf(call, 2);
  const y = matmul(e, ...matched(e, ...pairOf(call)), {
    transposeA: attributes.bool('transpose_a', false),
    transposeB: attributes.bool('transpose_b', false),
    bias: fusion.bias,
  });
  return activation(e, fusion.activation, y, activationOptions(fusion));
};

/** A band around the diagonal; negative bounds keep all of that side. */
const bandPart: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const [lower] = numbersOf(call, 1, 'its lower bound');
  const [upper] = numbersOf(call, 2, 'its upper bound');
  // Source: tfjs-converter op_list/matrices.ts, which reads both from input 1.
  if (lower !== upper)
    e.refuse(`bounds ${lower} and ${upper}, of which TensorFlow.js takes the first for both`);
  if (lower! < 0) return x;
  const band = (upTo: number, upper: number) => (y: typeof x) =>
    e.emit('Trilu', [y, e.scalar('int64', upTo)], { upper });
  const dtype = e.dtype(x);
  const wide = dtype === 'int32' ? cast(e, x, 'int64') : x;
  return cast(e, band(upper!, 0)(band(-lower!, 1)(wide)), dtype);
};

export const matrixOperators: OperatorTable = {
  MatMul: product('transpose_a', 'transpose_b'),
  BatchMatMul: product('adj_x', 'adj_y'),
  BatchMatMulV2: product('adj_x', 'adj_y'),
  _FusedMatMul: fusedMatMul,
  Transpose: (call) => transpose(call.e, inputOf(call, 0), numbersOf(call, 1, 'its order of axes')),
  Einsum: ({ e, inputs, attributes }) =>
    e.emit('Einsum', inputs, { equation: attributes.text('equation', '') }),
  MatrixBandPart: bandPart,
};
