/** Sequences and optionals. */
import { intAttribute } from '../../ir/attribute.ts';
import { dtypeFromCode } from '../../ir/dtype.ts';
import type { Dim, ValueType } from '../../ir/type.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { normalAxis, replaced, tensor } from './common.ts';
import { common } from './control.ts';

const sequenceOf = (element: ValueType | null): ValueType => ({ kind: 'sequence', element });
const elementOf = (t: ValueType | null) => (t?.kind === 'sequence' ? t.element : null);

/** An empty sequence says nothing of its elements' shape; what is put in decides. */
const joinedElement = (a: ValueType | null, b: ValueType | null): ValueType | null => {
  if (a?.kind === 'tensor' && !a.shape) return b ? { ...a } : a;
  return common(a, b);
};

/** Chunks along an axis: their common size when `split` is one number or absent, unknown otherwise. */
const splitToSequence: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [sequenceOf(tensor(c.dtype(0), null))];
  const axis = normalAxis(intAttribute(c.node, 'axis', 0), shape.length);
  if (!c.has(1)) {
    const keep = intAttribute(c.node, 'keepdims', 1) !== 0;
    const dims = keep ? replaced(shape, axis, 1) : shape.filter((_, i) => i !== axis);
    return [sequenceOf(tensor(c.dtype(0), dims))];
  }
  const split = c.data(1);
  const size = shape[axis]!;
  let part: Dim = null;
  if (split?.dims.length === 0 && typeof size === 'number' && typeof split.values[0] === 'number')
    part = size % split.values[0] === 0 ? split.values[0] : null;
  if (split?.dims.length === 1 && new Set(split.values).size === 1) part = split.values[0]!;
  return [sequenceOf(tensor(c.dtype(0), replaced(shape, axis, part)))];
};

const concatFromSequence: ShapeRule = (c) => {
  const element = elementOf(c.type(0));
  if (element?.kind !== 'tensor') return [];
  if (!element.shape) return [element];
  const fresh = intAttribute(c.node, 'new_axis', 0) !== 0;
  const axis = normalAxis(intAttribute(c.node, 'axis', 0), element.shape.length + (fresh ? 1 : 0));
  const shape = fresh
    ? [...element.shape.slice(0, axis), null, ...element.shape.slice(axis)]
    : replaced(element.shape, axis, null);
  return [{ ...element, shape }];
};

const optional = (c: ShapeContext): ValueType => {
  const type = c.node.attributes.get('type');
  return { kind: 'optional', element: c.type(0) ?? (type?.type === 'type' ? type.value : null) };
};

export const sequenceShapes: ShapeTable = {
  SequenceAt: (c) => [elementOf(c.type(0))],
  SequenceConstruct: (c) => [
    sequenceOf(c.node.inputs.map((_, i) => c.type(i)).reduce((a, b) => common(a, b), c.type(0))),
  ],
  SequenceEmpty: (c) => [
    sequenceOf(tensor(dtypeFromCode(intAttribute(c.node, 'dtype', 1), 'SequenceEmpty.dtype'), null)),
  ],
  SequenceErase: (c) => [c.type(0)],
  SequenceInsert: (c) => [sequenceOf(joinedElement(elementOf(c.type(0)), c.type(1)))],
  SequenceLength: () => [tensor('int64', [])],
  SplitToSequence: splitToSequence,
  ConcatFromSequence: concatFromSequence,
  Optional: (c) => [optional(c)],
  OptionalGetElement: (c) => {
    const t = c.type(0);
    return [t?.kind === 'optional' ? t.element : t];
  },
  OptionalHasElement: () => [tensor('bool', [])],
};
