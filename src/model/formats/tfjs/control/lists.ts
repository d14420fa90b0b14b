/** TensorList and TensorArray as ONNX sequences. A TensorArray's handle only says its type: its content goes along the flow,
 *  which every write hands on.
 *  Source: tfjs-converter src/executor/tensor_list.ts, tensor_array.ts. */
import { type DType, dtypes } from '../../../ir/dtype.ts';
import type { Value } from '../../../ir/model.ts';
import { defineNote } from '../../../ir/note.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import { tensorType } from '../../../ir/type.ts';
import { cast, concat, type Emitter, emitLoop, toList, toScalar } from '../../emit/index.ts';
import {
  inputOf,
  numbersOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from '../operators/operator.ts';

const typeOf = ({ e, attributes }: OperatorCall, name: string): DType => {
  const dtype = attributes.dtype(name);
  return dtype === null || dtype === 'string' || dtype === 'complex64'
    ? e.refuse(`a list of ${attributes.typeName(name)}`)
    : dtype;
};

const empty = (e: Emitter, dtype: DType): Value => e.emit('SequenceEmpty', [], { dtype: dtypes[dtype].code });

/** `count` places of zeros; of one zero each where the shape of an element is open, which is written before it is read. */
function reserved(e: Emitter, dtype: DType, count: Value, element: readonly number[] | null): Value {
  const sizes = element?.every((d) => d >= 0) ? element : [];
  const blank = e.emit('Expand', [
    e.scalar(dtype, 0),
    concat(e, [toList(e, count), e.integers(...sizes)], 0),
  ]);
  return e.emit('SplitToSequence', [blank], { axis: 0, keepdims: 0 });
}

/** The shape that elements have, −1 where it is open; null when nothing is said. */
function elementShape({ e, inputs }: OperatorCall, index: number): readonly number[] | null {
  const given = inputs[index];
  const known = given && e.data(given);
  if (!known?.every((d) => typeof d === 'number')) return null;
  // A scalar −1 is an unknown rank.
  return e.rank(given!) === 0 ? null : (known as number[]);
}

/** What is read from a list is of the shape that the operator says, where the list itself doesn't know. */
function shaped(
  e: Emitter,
  opType: string,
  inputs: readonly Value[],
  element: readonly number[] | null,
  stacked: boolean,
) {
  const attributes = stacked ? { axis: 0, new_axis: 1 } : {};
  const type = inputs[0]?.type;
  const dtype = type?.kind === 'sequence' && type.element?.kind === 'tensor' ? type.element.dtype : null;
  if (!element || dtype === null) return e.emit(opType, inputs, attributes);
  const sizes = element.map((d) => (d < 0 ? null : d));
  return e.emitAs(tensorType(dtype, stacked ? [null, ...sizes] : sizes), opType, inputs, attributes);
}

/** Rows of a tensor. */
const fromTensor = (e: Emitter, tensor: Value): Value =>
  e.emit('SplitToSequence', [tensor], { axis: 0, keepdims: 0 });

const stack = (e: Emitter, list: Value, element: readonly number[] | null): Value =>
  shaped(e, 'ConcatFromSequence', [list], element, true);

const position = (e: Emitter, index: Value): Value => cast(e, toScalar(e, index), 'int64');

const read = (e: Emitter, list: Value, index: Value, element: readonly number[] | null): Value =>
  shaped(e, 'SequenceAt', [list, position(e, index)], element, false);

function write(e: Emitter, list: Value, index: Value, element: Value): Value {
  const at = position(e, index);
  return e.emit('SequenceInsert', [e.emit('SequenceErase', [list, at]), element, at]);
}

const gather = (e: Emitter, list: Value, indices: Value, element: readonly number[] | null): Value =>
  e.emit('Gather', [stack(e, list, element), cast(e, indices, 'int64')], { axis: 0 });

/** Rows of a tensor, put where `indices` says. */
function scatter(call: OperatorCall, tensor: Value, indexInput: number): Value {
  const { e } = call;
  const indices = numbersOf(call, indexInput, 'its indices');
  const order = indices.map((_, place) => indices.indexOf(place));
  if (order.includes(-1)) e.refuse(`rows at ${indices.join(', ')}, which leaves places open`);
  return fromTensor(e, e.emit('Gather', [tensor, e.integers(...order)], { axis: 0 }));
}

/** Rows of a tensor that are its elements. TensorFlow.js gives each the shape of one row, so that longer ones fail there. */
function split(call: OperatorCall): Value {
  const lengths = numbersOf(call, 2, 'its lengths');
  if (lengths.some((length) => length !== 1))
    call.e.refuse(`elements of ${lengths.join(', ')} rows, which TensorFlow.js gives the shape of one`);
  return fromTensor(call.e, inputOf(call, 0));
}

/** Elements as the array says they are: of several rows each where it leaves their number open, or of one. */
function splitArray(call: OperatorCall): Value {
  const { e } = call;
  const [array, tensor] = [inputOf(call, 0), inputOf(call, 1)];
  const element = elementShapes.get(array);
  const rank = e.rank(tensor);
  if (element?.length === rank)
    return e.emit('SplitToSequence', [tensor, cast(e, inputOf(call, 2), 'int64')], { axis: 0 });
  if (element?.length !== rank - 1) return e.refuse('elements of a shape that the array does not say');
  const lengths = numbersOf(call, 2, 'its lengths');
  if (lengths.some((length) => length !== 1)) e.refuse(`rows of ${lengths.join(', ')} as elements of one`);
  return fromTensor(e, tensor);
}

/** Of the first list as many elements as fit, then blanks, which are written before they are read. */
const resized = (e: Emitter, list: Value, count: Value): Value => {
  const wanted = position(e, count);
  const length = (inner: Emitter, value: Value) => inner.emit('SequenceLength', [value]);
  const type = list.type?.kind === 'sequence' ? list.type.element : null;
  const dtype = type?.kind === 'tensor' ? type.dtype : e.refuse('a list of a type that is not known');
  const shorter = emitLoop(e, {
    start: [list],
    condition: (inner, [value]) => inner.emit('Less', [wanted, length(inner, value!)]),
    body: (inner, [value]) => [inner.emit('SequenceErase', [value!])],
  });
  return emitLoop(e, {
    start: shorter,
    condition: (inner, [value]) => inner.emit('Less', [length(inner, value!), wanted]),
    body: (inner, [value]) => [inner.emit('SequenceInsert', [value!, inner.scalar(dtype, 0)])],
  })[0]!;
};

const size = (e: Emitter, list: Value): Value => cast(e, e.emit('SequenceLength', [list]), 'int32');

/** −1 is the last. */
function popBack(call: OperatorCall): Value[] {
  const { e } = call;
  const list = inputOf(call, 0);
  const last = e.scalar('int64', -1);
  return [
    e.emit('SequenceErase', [list, last]),
    shaped(e, 'SequenceAt', [list, last], elementShape(call, 1), false),
  ];
}

/** Operators on the content that input `list` holds. */
const on =
  (
    list: number,
    apply: (e: Emitter, content: Value, rest: (index: number) => Value, call: OperatorCall) => Value,
  ): Operator =>
  (call) =>
    apply(call.e, inputOf(call, list), (index) => inputOf(call, index), call);

const joined = on(0, (e, list) => e.emit('ConcatFromSequence', [list], { axis: 0, new_axis: 0 }));

const tensorArray: Operator = (call) => {
  const { e } = call;
  const element = call.attributes.shape('element_shape');
  const made = reserved(e, typeOf(call, 'dtype'), inputOf(call, 0), element);
  const handle = e.constant(tensorOf('float32', [], [0]), 'handle');
  if (element) elementShapes.set(handle, element);
  return [handle, made];
};

/** What elements of an array look like, at its handle. */
const elementShapes = defineNote<Value, readonly number[]>('tfjs-element-shape');

const lists: OperatorTable = {
  EmptyTensorList: (call) => empty(call.e, typeOf(call, 'element_dtype')),
  TensorListReserve: (call) =>
    reserved(call.e, typeOf(call, 'element_dtype'), inputOf(call, 1), elementShape(call, 0)),
  TensorListFromTensor: on(0, fromTensor),
  TensorListStack: on(0, (e, list, _, call) => stack(e, list, elementShape(call, 1))),
  TensorListGetItem: on(0, (e, list, at, call) => read(e, list, at(1), elementShape(call, 2))),
  TensorListSetItem: on(0, (e, list, at) => write(e, list, at(1), at(2))),
  TensorListPushBack: on(0, (e, list, at) => e.emit('SequenceInsert', [list, at(1)])),
  TensorListPopBack: popBack,
  TensorListGather: on(0, (e, list, at, call) => gather(e, list, at(1), elementShape(call, 2))),
  TensorListScatter: (call) => scatter(call, inputOf(call, 0), 1),
  TensorListScatterV2: (call) => scatter(call, inputOf(call, 0), 1),
  TensorListConcat: joined,
  TensorListConcatV2: joined,
  TensorListLength: on(0, size),
  TensorListSplit: split,
  TensorListResize: on(0, (e, list, at) => resized(e, list, at(1))),
};

/** Their content is what flows in: the last input. */
const arrays: OperatorTable = {
  TensorArrayV3: tensorArray,
  TensorArrayWriteV3: on(3, (e, content, at) => write(e, content, at(1), at(2))),
  TensorArrayReadV3: on(2, (e, content, at) => read(e, content, at(1), null)),
  TensorArrayGatherV3: on(2, (e, content, at, call) =>
    gather(e, content, at(1), call.attributes.shape('element_shape')),
  ),
  TensorArrayScatterV3: (call) => scatter(call, inputOf(call, 2), 1),
  TensorArrayConcatV3: on(1, (e, content) =>
    e.emit('ConcatFromSequence', [content], { axis: 0, new_axis: 0 }),
  ),
  TensorArraySizeV3: on(1, size),
  TensorArraySplitV3: splitArray,
  TensorArrayCloseV3: ({ e }) => e.scalar('float32', 0),
};

export const listOperators: OperatorTable = { ...lists, ...arrays };
