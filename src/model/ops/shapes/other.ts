/** Signals, text, images, classical machine learning and training operators. */
import { intAttribute, intsAttribute, textAttribute } from '../../ir/attribute.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Dim } from '../../ir/type.ts';
import { add, divideFloor, multiply, subtract } from '../dims.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { normalAxis, replaced, sameAsInput, tensor } from './common.ts';

/** [B, …, L, 1 or 2] → complex: last axis 2, length as asked for; onesided keeps ⌊L/2⌋ + 1. Axis is an input from
 *  opset 20 on, an attribute counted the same way before. */
const dft: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), null)];
  const fromInput = c.data(2)?.values[0];
  const axis = c.has(2)
    ? typeof fromInput === 'number'
      ? fromInput
      : null
    : intAttribute(c.node, 'axis', c.opset < 20 ? 1 : -2);
  if (axis === null)
    return [
      tensor(
        c.dtype(0),
        shape.map(() => null),
      ),
    ];
  const at = normalAxis(axis, shape.length);
  const onesided = intAttribute(c.node, 'onesided', 0) !== 0;
  const inverse = intAttribute(c.node, 'inverse', 0) !== 0;
  const size = shape[at]!;
  // The inverse of a onesided transform gives real numbers, twice as many as the frequencies it has, less two.
  const own = onesided && inverse ? multiply(subtract(size, 1), 2) : size;
  const length = c.has(1) ? (c.data(1)?.values[0] ?? null) : own;
  const sized = replaced(shape, at, onesided && !inverse ? add(divideFloor(length, 2), 1) : length);
  return [tensor(c.dtype(0), replaced(sized, shape.length - 1, onesided && inverse ? 1 : 2))];
};

/** signal [B, L, 1 or 2] → [B, frames, frequencies, 2]. */
const stft: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), null)];
  const step = c.data(1)?.values[0] ?? null;
  const length = c.has(3) ? (c.data(3)?.values[0] ?? null) : (c.shape(2)?.[0] ?? null);
  const frames = add(divideFloor(subtract(shape[1]!, length), step), 1);
  const onesided = intAttribute(c.node, 'onesided', 1) !== 0;
  return [tensor(c.dtype(0), [shape[0]!, frames, onesided ? add(divideFloor(length, 2), 1) : length, 2])];
};

const imageDecoder: ShapeRule = (c) => [
  tensor('uint8', [null, null, textAttribute(c.node, 'pixel_format', 'RGB') === 'Grayscale' ? 1 : 3]),
];

/** [C] or [N, C] → the same with the number of n-grams last. */
const tfIdf: ShapeRule = (c) => {
  const shape = c.shape(0);
  const count = Math.max(...intsAttribute(c.node, 'ngram_indexes', [-1])) + 1;
  return [tensor('float32', shape && [...shape.slice(0, -1), count])];
};

/** Stop words drop elements, so that axis is unknown; an empty result has one empty string. */
const stringNormalizer: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape || !c.node.attributes.has('stopwords')) return [tensor('string', shape)];
  return [tensor('string', replaced(shape, shape.length - 1, null))];
};

const stringSplit: ShapeRule = (c) => {
  const shape = c.shape(0);
  return [tensor('string', shape && [...shape, null]), tensor('int64', shape)];
};

/** Type of the values_* attribute that is present. */
const labelEncoder: ShapeRule = (c) => {
  const values = c.node.attributes.get('values_tensor');
  const has = (name: string) => c.node.attributes.has(name);
  const old: DType = c.dtype(0) === 'string' ? 'int64' : 'string';
  const dtype: DType =
    values?.type === 'tensor'
      ? values.value.dtype
      : has('values_int64s')
        ? 'int64'
        : has('values_floats')
          ? 'float32'
          : has('values_strings')
            ? 'string'
            : old;
  return [tensor(dtype, c.shape(0))];
};

/** X [.., C] with indices Y [.., K] → [.., K]; a vector becomes [1, K]. */
const arrayFeatureExtractor: ShapeRule = (c) => {
  const [x, y] = [c.shape(0), c.shape(1)];
  if (!x || !y) return [tensor(c.dtype(0), null)];
  const count = y.reduce<Dim>((n, d) => (typeof n === 'number' && typeof d === 'number' ? n * d : null), 1);
  return [tensor(c.dtype(0), x.length === 1 ? [1, count] : [...x.slice(0, -1), count])];
};

/** R, T, then `groups` lists of n tensors; the outputs are all lists but the gradients' (the second). */
const optimizer =
  (groups: number): ShapeRule =>
  (c) => {
    const n = (c.node.inputs.length - 2) / groups;
    return Array.from({ length: n * (groups - 1) }, (_, i) => c.type(2 + (i < n ? i : i + n)));
  };

/** One output for each of `xs`, as large as that input. */
const gradient: ShapeRule = (c) => c.node.outputs.map((_, i) => c.type(i));

const classLabels = (c: ShapeContext): DType =>
  c.node.attributes.has('classlabels_strings') || c.node.attributes.has('classlabels_string')
    ? 'string'
    : 'int64';

const classifier: ShapeRule = (c) => {
  const rows = c.shape(0)?.[0] ?? null;
  const strings = c.node.attributes.get('classlabels_strings');
  const ints = c.node.attributes.get('classlabels_ints') ?? c.node.attributes.get('classlabels_int64s');
  const count =
    strings?.type === 'strings' ? strings.value.length : ints?.type === 'ints' ? ints.value.length : null;
  return [tensor(classLabels(c), [rows]), tensor('float32', [rows, count && count > 1 ? count : null])];
};

const regressor: ShapeRule = (c) => [
  tensor('float32', [
    c.shape(0)?.[0] ?? null,
    intAttribute(c.node, 'n_targets', intAttribute(c.node, 'targets', 1)),
  ]),
];

export const otherShapes: ShapeTable = {
  DFT: dft,
  STFT: stft,
  ImageDecoder: imageDecoder,
  TfIdfVectorizer: tfIdf,
  StringNormalizer: stringNormalizer,
  StringSplit: stringSplit,
  StringConcat: (c) => [tensor('string', c.shape(0))],
  RegexFullMatch: (c) => [tensor('bool', c.shape(0))],
  'ai.onnx.ml:ArrayFeatureExtractor': arrayFeatureExtractor,
  'ai.onnx.ml:Binarizer': sameAsInput,
  'ai.onnx.ml:LabelEncoder': labelEncoder,
  'ai.onnx.ml:Normalizer': (c) => [tensor('float32', c.shape(0))],
  'ai.onnx.ml:Scaler': (c) => [tensor('float32', c.shape(0))],
  'ai.onnx.ml:Imputer': sameAsInput,
  'ai.onnx.ml:LinearClassifier': classifier,
  'ai.onnx.ml:TreeEnsembleClassifier': classifier,
  'ai.onnx.ml:LinearRegressor': regressor,
  'ai.onnx.ml:TreeEnsembleRegressor': regressor,
  'ai.onnx.ml:TreeEnsemble': (c) => [
    tensor(c.dtype(0), [c.shape(0)?.[0] ?? null, intAttribute(c.node, 'n_targets', 1)]),
  ],
  'ai.onnx.preview.training:Adagrad': optimizer(3),
  'ai.onnx.preview.training:Adam': optimizer(4),
  'ai.onnx.preview.training:Momentum': optimizer(3),
  'ai.onnx.preview.training:Gradient': gradient,
  'com.microsoft:ExpandDims': (c) => {
    const shape = c.shape(0);
    const axis = c.data(1)?.values[0];
    if (!shape || typeof axis !== 'number') return [tensor(c.dtype(0), null)];
    const at = normalAxis(axis, shape.length + 1);
    return [tensor(c.dtype(0), [...shape.slice(0, at), 1, ...shape.slice(at)])];
  },
  'com.microsoft:Inverse': sameAsInput,
  'com.microsoft:BiasSoftmax': sameAsInput,
  'com.microsoft:BiasAdd': sameAsInput,
  'com.microsoft:BiasSplitGelu': (c) => {
    const shape = c.shape(0);
    return [
      tensor(
        c.dtype(0),
        shape && replaced(shape, shape.length - 1, divideFloor(shape[shape.length - 1]!, 2)),
      ),
    ];
  },
  'com.microsoft:BiasDropout': (c) => [c.type(0), tensor('bool', c.shape(0))],
  'com.microsoft:IsAllFinite': () => [tensor('bool', [])],
  'com.microsoft:MoE': sameAsInput,
  'com.microsoft:QMoE': sameAsInput,
  'com.microsoft:CDist': (c) => [tensor(c.dtype(0), [c.shape(0)?.[0] ?? null, c.shape(1)?.[0] ?? null])],
};
