/** How many tokens a model can see at once, where a table of positions in its graph says so: learned embeddings or
 *  sines [positions, width], rotary cosines, causal masks, read at places that follow from the length of the text. */
import { intAttribute } from '../../model/ir/attribute.ts';
import { constantOf, isOp, type Model, type Node, type Value } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { intsArgument, normalAxis } from '../../model/rewrite/arguments.ts';

/** What may stand between a length and a place in a table. Anything else (logarithms and minima of relative positions,
 *  say) makes other places of it. */
const counting = new Set(
  'Range Add Unsqueeze Squeeze Reshape Cast Gather Concat Slice Expand Identity CumSum ConstantOfShape'.split(
    ' ',
  ),
);

/** What a value is made of: lengths and positions ('place'), constants alone, or something else. */
type Origin = 'place' | 'constant' | 'other';

/** The shortest table of positions that the graph reads; null when it reads none.
 *  @param inputs  graph inputs that hold positions; lengths are followed by themselves */
export function positionLimit(model: Model, inputs: RegExp = /position(_id)?s$/): number | null {
  const known = new Map<Value, Origin>();
  const originOf = (v: Value): Origin => {
    const origin = known.get(v) ?? trace(v, inputs, originOf);
    known.set(v, origin);
    return origin;
  };
  let limit: number | null = null;
  for (const node of model.graph.nodes) {
    const rows = tableRows(node, (v) => v != null && originOf(v) === 'place');
    if (rows !== null && rows > 1) limit = Math.min(limit ?? rows, rows);
  }
  return limit;
}

function trace(v: Value, inputs: RegExp, originOf: (v: Value) => Origin): Origin {
  const { producer } = v;
  if (constantOf(v) || (producer && isOp(producer, 'Constant'))) return 'constant';
  if (!producer) return inputs.test(v.name) ? 'place' : 'other';
  if (isOp(producer, 'Shape', 'Size')) return 'place';
  if (!counting.has(producer.opType) || producer.domain !== '') return 'other';
  const origins = producer.inputs.flatMap((x) => (x ? [originOf(x)] : []));
  if (origins.includes('other')) return 'other';
  return origins.includes('place') ? 'place' : 'constant';
}

/** Entries of the constant table that a node reads at such places, along the axis it reads. */
function tableRows(node: Node, isPlace: (v: Value | null | undefined) => boolean): number | null {
  if (!isOp(node, 'Gather', 'Slice')) return null;
  const table = tableOf(node.inputs[0]);
  if (!table || table.dims.length < 2) return null;
  if (isOp(node, 'Gather')) {
    const axis = normalAxis(intAttribute(node, 'axis', 0), table.dims.length);
    return isPlace(node.inputs[1]) ? (table.dims[axis] ?? null) : null;
  }
  if (!isPlace(node.inputs[2])) return null;
  const axes = intsArgument(node, 'axes', 3) ?? table.dims.map((_, i) => i);
  const rows = axes.map((axis) => table.dims[normalAxis(axis, table.dims.length)] ?? 0);
  return rows.length > 0 ? Math.min(...rows) : null;
}

/** The table itself, also where it is kept in integers and scaled when read. */
function tableOf(v: Value | null | undefined): Tensor | null {
  if (!v) return null;
  const constant = constantOf(v);
  if (constant) return constant;
  const { producer } = v;
  if (!producer) return null;
  if (isOp(producer, 'DequantizeLinear', 'Cast')) return tableOf(producer.inputs[0]);
  const value = isOp(producer, 'Constant') ? producer.attributes.get('value') : undefined;
  return value?.type === 'tensor' ? value.value : null;
}
