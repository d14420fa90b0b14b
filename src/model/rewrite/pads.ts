/** Reading a Pad node of any operator set: attributes before 11, inputs since, axes since 18. */
import { floatAttribute, intsAttribute, textAttribute } from '../ir/attribute.ts';
import { dtypeOf, type Node } from '../ir/model.ts';
import { constantNumbers, normalAxis, scalarOf } from './arguments.ts';

/** Pads for every axis, [begin…, end…], each of length `rank`; null when known only at run time. */
export function allPads(pad: Node, rank: number): number[] | null {
  const pads = intsAttribute(pad, 'pads') ?? constantNumbers(pad.inputs[1]);
  const axes = constantNumbers(pad.inputs[3]);
  if (!pads || axes === null) return null;
  const at = axes?.map((a) => normalAxis(a, rank)) ?? Array.from({ length: rank }, (_, i) => i);
  if (pads.length !== 2 * at.length) return null;
  const all = new Array<number>(2 * rank).fill(0);
  at.forEach((axis, i) => {
    all[axis] = pads[i]!;
    all[axis + rank] = pads[i + at.length]!;
  });
  return all;
}

/** Whether what is padded with is the constant 0. */
export function padsZeros(pad: Node): boolean {
  if (textAttribute(pad, 'mode', 'constant') !== 'constant') return false;
  const value = pad.inputs[2];
  return value
    ? scalarOf(value) === 0
    : floatAttribute(pad, 'value', 0) === 0 && dtypeOf(pad.inputs[0]) !== 'string';
}
