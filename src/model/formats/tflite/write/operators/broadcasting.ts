/** Operators that meet tensors of different shapes. LiteRT's kernels take up to four axes there: axes that behave alike are
 *  merged, and where more are left the operands are brought to one shape before. */
import { elementCount } from '../../../../ir/tensor.ts';
import type { BuiltinOperator } from '../../codes.ts';
import { type Emitter, reshaped, shaped } from '../emitter.ts';
import type { LiteOptions, LiteTensor, LiteType } from '../graph.ts';

const mostAxes = 4;

/** @param result  of the broadcast shape */
export function broadcast(
  e: Emitter,
  op: BuiltinOperator,
  inputs: readonly LiteTensor[],
  result: LiteType,
  options?: LiteOptions,
): LiteTensor {
  const { shape } = result;
  const alike = inputs.every((x) => x.shape.join() === shape.join() || elementCount(x.shape) === 1);
  if (shape.length <= mostAxes || alike) return e.op(op, inputs, result, options);
  const merged = mergedShapes(
    inputs.map((x) => x.shape),
    shape,
  );
  if (merged.result.length <= mostAxes) {
    const operands = inputs.map((x, i) => reshaped(e, x, merged.inputs[i]!));
    return reshaped(e, e.op(op, operands, shaped(result, merged.result), options), shape);
  }
  return e.op(
    op,
    inputs.map((x) => widened(e, x, shape)),
    result,
    options,
  );
}

/** x repeated to a shape. */
export const widened = (e: Emitter, x: LiteTensor, shape: readonly number[]): LiteTensor =>
  x.shape.join() === shape.join()
    ? x
    : e.op('BROADCAST_TO', [x, e.int(shape)], shaped(x, shape), ['BroadcastToOptions', {}]);

/** Neighbouring axes along which each operand is whole, or each is 1 long, as one. */
function mergedShapes(inputs: readonly (readonly number[])[], shape: readonly number[]) {
  const aligned = inputs.map((dims) => [...Array<number>(shape.length - dims.length).fill(1), ...dims]);
  const kinds = shape.map((d, axis) => (d === 1 ? 'any' : aligned.map((dims) => dims[axis] === 1).join()));
  const groups: { kind: string; axes: number[] }[] = [];
  kinds.forEach((kind, axis) => {
    const last = groups.at(-1);
    if (last && (kind === 'any' || last.kind === 'any' || last.kind === kind)) {
      last.axes.push(axis);
      if (kind !== 'any') last.kind = kind;
    } else groups.push({ kind, axes: [axis] });
  });
  const merge = (dims: readonly number[]) =>
    groups.map(({ axes }) => elementCount(axes.map((a) => dims[a]!)));
  return { inputs: aligned.map(merge), result: merge(shape) };
}

/** NumPy's: sizes from the right, 1 meets any. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const at = (dims: readonly number[], i: number) => dims[i - (rank - dims.length)] ?? 1;
  return Array.from({ length: rank }, (_, i) => shapes.map((dims) => at(dims, i)).find((d) => d !== 1) ?? 1);
}
