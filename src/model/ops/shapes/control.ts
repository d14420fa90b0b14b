/** If, Loop, Scan and SequenceMap: rules that infer subgraphs. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import type { Graph } from '../../ir/model.ts';
import type { Dim, Shape, ValueType } from '../../ir/type.ts';
import { isSame, unify } from '../dims.ts';
import type { Facts, ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { normalAxis, tensor } from './common.ts';

const graphAttributeOf = (c: ShapeContext, name: string): Graph | null => {
  const a = c.node.attributes.get(name);
  return a?.type === 'graph' ? a.value : null;
};

/** What holds for both types: sizes that differ become unknown, ranks that differ leave the shape unknown. */
export function common(a: ValueType | null, b: ValueType | null): ValueType | null {
  if (!a || !b || a.kind !== b.kind) return null;
  if (a.kind === 'sequence' || a.kind === 'optional')
    return { kind: a.kind, element: common(a.element, (b as typeof a).element) };
  if (a.kind === 'map') return a;
  const other = b as typeof a;
  if (a.dtype !== other.dtype) return null;
  if (!a.shape || !other.shape || a.shape.length !== other.shape.length) return { ...a, shape: null };
  return { ...a, shape: a.shape.map((d, i) => (isSame(d, other.shape![i]!) ? d : null)) };
}

/** The types of the branch taken when the condition is known, else what both branches share. */
const branches: ShapeRule = (c) => {
  const [then, otherwise] = [graphAttributeOf(c, 'then_branch'), graphAttributeOf(c, 'else_branch')];
  const condition = c.data(0)?.values[0];
  const known = typeof condition === 'number';
  const a = then ? c.infer(then, [], known && condition === 0) : [];
  const b = otherwise ? c.infer(otherwise, [], known && condition !== 0) : [];
  if (known) return (condition !== 0 ? a : b).map((f) => f.type);
  return a.map((f, i) => common(f.type, b[i]?.type ?? null));
};

/** The sizes of a value carried from one iteration to the next: what doesn't change. */
const widened = (before: ValueType | null, after: ValueType | null): ValueType | null =>
  before && after ? common(before, after) : (before ?? after);

/** Runs the body until what it carries stays the same; at most once for each axis that can still become unknown. */
function settle(
  c: ShapeContext,
  body: Graph,
  carried: readonly (ValueType | null)[],
  inputs: (carried: readonly (ValueType | null)[]) => (Facts | null)[],
  first: number,
): { carried: readonly (ValueType | null)[]; outputs: Facts[] } {
  const before = c.settled.get(body);
  let now = before ? carried.map((t, i) => widened(t, before[i] ?? null)) : carried;
  for (let round = 0; ; round++) {
    const outputs = c.infer(body, inputs(now));
    const next = now.map((t, i) => widened(t, outputs[first + i]?.type ?? null));
    if (round >= 4 || JSON.stringify(next) === JSON.stringify(now)) {
      c.settled.set(body, next);
      return { carried: next, outputs };
    }
    now = next;
  }
}

const known = (type: ValueType | null): Facts | null => type && { type, data: null };

/** A type whose body says that it holds one element in some axes; null for others. */
const oneOf = (type: ValueType | null): (ValueType & { shape: number[] }) | null =>
  type?.kind === 'tensor' && type.shape && type.shape.length > 0 && type.shape.every((d) => d === 1)
    ? { ...type, shape: type.shape.map(() => 1) }
    : null;

/** Runtimes hand a body its count and condition with as many axes as the body declares: scalars, or one element in an axis.
 *  Inputs M, cond, carried…; body (i, cond, carried…) → (cond, carried…, scanned…). The scanned outputs have M rows
 *  when the condition starts true and the body keeps it so. */
const loop: ShapeRule = (c) => {
  const body = graphAttributeOf(c, 'body');
  if (!body) return [];
  const start = c.node.inputs.slice(2).map((_, i) => c.type(i + 2));
  const goes = !c.has(1) || c.data(1)?.values[0] === 1;
  const [counter, going] = body.inputs.map(({ type }) => oneOf(type));
  const condition: Facts = {
    type: going ?? tensor('bool', []),
    data: goes ? { dims: going?.shape.map(() => 1) ?? [], values: [1] } : null,
  };
  const fixed: (Facts | null)[] = [known(counter ?? tensor('int64', [])), condition];
  const { carried, outputs } = settle(c, body, start, (now) => [...fixed, ...now.map(known)], 1);
  const trips = goes && outputs[0]?.data?.values[0] === 1 ? (c.data(0)?.values[0] ?? null) : null;
  const scanned = outputs.slice(1 + start.length).map(({ type }) => stacked(type, 0, trips));
  return [...carried, ...scanned];
};

function stacked(type: ValueType | null, axis: number, length: Dim): ValueType | null {
  if (type?.kind !== 'tensor' || !type.shape) return type;
  const at = normalAxis(axis, type.shape.length + 1);
  return { ...type, shape: [...type.shape.slice(0, at), length, ...type.shape.slice(at)] };
}

function slicedOf(type: ValueType | null, axis: number): ValueType | null {
  if (type?.kind !== 'tensor' || !type.shape) return type;
  const at = normalAxis(axis, type.shape.length);
  return { ...type, shape: type.shape.filter((_, i) => i !== at) };
}

/** Opset 9 on: carried…, scanned inputs…; body (carried…, slices…) → (carried…, scanned…). Opset 8 has a leading
 *  sequence_lens input and a batch axis before everything. */
const scan: ShapeRule = (c) => {
  const body = graphAttributeOf(c, 'body');
  if (!body) return [];
  const early = c.opset < 9;
  const skip = early ? 1 : 0;
  const scans = intAttribute(c.node, 'num_scan_inputs', 1);
  const all = c.node.inputs.slice(skip).map((_, i) => c.type(i + skip));
  const states = all.length - scans;
  const axes = intsAttribute(c.node, 'scan_input_axes', Array<number>(scans).fill(0));
  const unbatched = (t: ValueType | null) => (early ? slicedOf(t, 0) : t);
  const slices = all.slice(states).map((t, i) => slicedOf(unbatched(t), axes[i] ?? 0));
  const lengths = all.slice(states).map((t, i): Dim => {
    const plain = unbatched(t);
    if (plain?.kind !== 'tensor' || !plain.shape) return null;
    return plain.shape[normalAxis(axes[i] ?? 0, plain.shape.length)]!;
  });
  const length = lengths.reduce<Dim>(unify, null);
  const start = all.slice(0, states).map(unbatched);
  const { carried, outputs } = settle(c, body, start, (now) => [...now, ...slices].map(known), 0);
  const outAxes = intsAttribute(c.node, 'scan_output_axes') ?? [];
  const scanned = outputs.slice(states).map(({ type }, i) => stacked(type, outAxes[i] ?? 0, length));
  const batch =
    early && all[states]?.kind === 'tensor'
      ? ((all[states] as { shape: Shape | null }).shape?.[0] ?? null)
      : null;
  return [...carried, ...scanned].map((t) => (early ? stacked(t, 0, batch) : t));
};

const elementOf = (t: ValueType | null) => (t?.kind === 'sequence' ? t.element : t);

/** body (element, further elements or tensors…) → elements of the output sequences. */
const sequenceMap: ShapeRule = (c) => {
  const body = graphAttributeOf(c, 'body');
  if (!body) return [];
  const inputs = c.node.inputs.map((_, i) => known(elementOf(c.type(i))));
  return c.infer(body, inputs).map(({ type }): ValueType => ({ kind: 'sequence', element: type }));
};

export const controlShapes: ShapeTable = {
  If: branches,
  Loop: loop,
  Scan: scan,
  SequenceMap: sequenceMap,
};
