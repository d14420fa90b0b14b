/** TensorList and TensorArray as ONNX sequences. A TensorArray's handle only says its type: its content goes along the flow,
 *  which every write hands on.
 *  Source: tfjs-converter src/executor/tensor_list.ts, tensor_array.ts. */
import { type DType, dtypes } from '../../../ir/dtype.ts';
import type { Value } from '../../../ir/model.ts';
import { tensorType } from '../../../ir/type.ts';
import { cast, concat, type Emitter, toList, toScalar } from '../../emit/index.ts';
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
  const made = reserved(e, typeOf(call, 'dtype'), inputOf(call, 0), call.attributes.shape('element_shape'));
  return [e.scalar('float32', 0), made];
};

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
  TensorArrayCloseV3: ({ e }) => e.scalar('float32', 0),
};

export const listOperators: OperatorTable = { ...lists, ...arrays };
