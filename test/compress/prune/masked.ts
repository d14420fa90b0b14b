/** The oracle of pruning: the dense model in which the removed channels count for nothing, run by onnxruntime. */

import type { GroupMember } from '../../../src/compress/prune/channel-groups.ts';
import type { PrunePlan } from '../../../src/compress/prune/prune.ts';
import { tensorAttribute } from '../../../src/model/ir/attribute.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { setAttribute, setConstant } from '../../../src/model/ir/edit.ts';
import type { Model, Value } from '../../../src/model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { graphsOf } from '../../../src/model/ir/walk.ts';

/** Zeroes what reads the channels: the slices of every weight that sums over them. Where two activations are multiplied
 *  (query times key) nothing but what makes the channels can be zeroed. */
export function maskModel(dense: Model, plan: Pick<PrunePlan, 'groups' | 'removed'>): Model {
  const masked = cloneModel(dense);
  for (const group of plan.groups) {
    const gone = group.units.flatMap((unit, i) => (plan.removed.has(unit) ? [i] : []));
    const reading = group.members.filter((m) => m.role === 'in');
    for (const member of reading.length > 0 ? reading : group.members) zero(masked, member, gone);
  }
  return masked;
}

function zero(model: Model, member: GroupMember, units: readonly number[]): void {
  const value = valueNamed(model, member.value.name);
  const attribute = value.producer?.attributes.get('value');
  const tensor = value.constant ?? (attribute?.type === 'tensor' ? attribute.value : null);
  if (tensor?.dtype !== 'float32') throw new Error(`"${value.name}" holds no float32 constant.`);
  const next = zeroed(tensor, member.axis, new Set(units.flatMap((u) => member.indices[u]!)));
  if (value.constant) setConstant(value, next);
  else setAttribute(value.producer!, 'value', tensorAttribute(next));
}

function zeroed(t: Tensor, axis: number, indices: ReadonlySet<number>): Tensor {
  const inner = elementCount(t.dims.slice(axis + 1));
  const size = t.dims[axis]!;
  const values = float32Values(t).map((w, at) => (indices.has(Math.floor(at / inner) % size) ? 0 : w));
  return tensorOf('float32', t.dims, values);
}

/** Among initializers and node outputs, those of branches too. */
function valueNamed(model: Model, name: string): Value {
  for (const graph of graphsOf(model)) {
    for (const v of graph.initializers) if (v.name === name) return v;
    for (const node of graph.nodes) for (const v of node.outputs) if (v?.name === name) return v;
  }
  throw new Error(`No value "${name}".`);
}
