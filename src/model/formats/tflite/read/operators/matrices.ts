/** Products of matrices, diagonals. */
import type { Value } from '../../../../ir/model.ts';
import { cast, type Emitter, matmul, sizeOfAxis, toScalar, unsqueeze } from '../../../emit/index.ts';
import { flag, inputOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const product: Operator = (call) =>
  matmul(call.e, ...pairOf(call), { transposeA: flag(call, 'adjX'), transposeB: flag(call, 'adjY') });

/** bool [rows, columns]: where the two are the same. */
function diagonal(e: Emitter, rows: Value, columns: Value): Value {
  const count = (size: Value) =>
    e.emit('Range', [e.scalar('int64', 0), toScalar(e, size), e.scalar('int64', 1)]);
  return e.emit('Equal', [unsqueeze(e, count(rows), 1), unsqueeze(e, count(columns), 0)]);
}

/** onnxruntime's Where has no kernel for small integers. */
function where(e: Emitter, condition: Value, a: Value, b: Value): Value {
  const dtype = e.dtype(a);
  const narrow = ['int8', 'int16', 'uint16', 'bool'].includes(dtype);
  const [x, y] = narrow ? [cast(e, a, 'int32'), cast(e, b, 'int32')] : [a, b];
  return cast(e, e.emit('Where', [condition, x, y]), dtype);
}

/** […, n] → […, n, n], 0 beside the diagonal. */
const matrixDiagonal: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const size = sizeOfAxis(e, x, -1);
  return where(e, diagonal(e, size, size), unsqueeze(e, x, -1), e.scalar(e.dtype(x), 0));
};

/** […, m, n] with […, min(m, n)] on its diagonal. */
const setDiagonal: Operator = (call) => {
  const { e } = call;
  const [x, values] = pairOf(call);
  const [rows, columns] = e.sizes(x).slice(-2);
  if (typeof rows !== 'number' || typeof columns !== 'number')
    return e.refuse('a matrix of a size that is not known');
  const along = unsqueeze(e, values, rows <= columns ? -1 : -2);
  return where(e, diagonal(e, e.integers(rows), e.integers(columns)), along, x);
};

export const matrixOperators: OperatorTable = {
  BATCH_MATMUL: product,
  MATRIX_DIAG: matrixDiagonal,
  MATRIX_SET_DIAG: setDiagonal,
};
