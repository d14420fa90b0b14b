/** Constants and ranges. */
import { intAttribute } from '../../../../ir/attribute.ts';
import { constantNodeTensor } from '../../../../ir/constant-node.ts';
import { elementCount, numbers, tensorOf } from '../../../../ir/tensor.ts';
import { type LiteRow, type LiteRows, refuse, shapeAt } from '../emitter.ts';
import { binary, scalarLike } from './arithmetic.ts';

/** Of four bytes each: a .tflite file holds 2 GB. */
const mostElements = 2 ** 29 - 1;

const constant: LiteRow = {
  emit(node, e) {
    const tensor = constantNodeTensor(node);
    return tensor ? e.constant(tensor) : refuse(node, 'it is sparse');
  },
};

const constantOfShape: LiteRow = {
  emit(node, e) {
    const a = node.attributes.get('value');
    const [value = 0] = a?.type === 'tensor' ? numbers(a.value) : [0];
    const { type, shape } = e.result();
    const dtype = type === 'bool' || type === 'int32' ? type : 'float32';
    const count = elementCount(shape);
    if (count > mostElements) return refuse(node, `it makes ${count} numbers, and a file holds 2 GB`);
    const values = (type === 'int32' ? new Int32Array(count) : new Float32Array(count)).fill(value);
    return e.constant(tensorOf(dtype, shape, values));
  },
};

/** Of a known length: start + step·[0, 1, …]. */
const range: LiteRow = {
  emit(node, e) {
    const { type, shape } = e.result();
    const dtype = type === 'int32' ? type : 'float32';
    const places = e.constant(
      tensorOf(
        dtype,
        shape,
        Array.from({ length: shape[0]! }, (_, i) => i),
      ),
    );
    const [start, , step] = [0, 1, 2].map((i) => e.input(node, i));
    return binary(e, 'ADD', binary(e, 'MUL', places, step ?? scalarLike(e, places, 1)), start!);
  },
};

const eyeLike: LiteRow = {
  emit(node, e) {
    const [rows, columns] = shapeAt(node, 0) as [number, number];
    const k = intAttribute(node, 'k', 0);
    const { type } = e.result();
    const ones = Array.from({ length: rows * columns }, (_, i) =>
      (i % columns) - Math.floor(i / columns) === k ? 1 : 0,
    );
    return e.constant(
      tensorOf(type === 'int32' || type === 'bool' ? type : 'float32', [rows, columns], ones),
    );
  },
};

export const creation: LiteRows = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
};
