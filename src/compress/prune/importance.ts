/** How much each unit of a group matters. Every member that the unit takes something from has its say: the magnitude of
 *  its slice relative to the mean slice of that member, averaged over members. The result has mean 1 in every group, so
 *  that one ranking over the network can compare them.
 *  Sources: Li et al. 2017, arXiv:1608.08710 (magnitude); Liu et al. 2017, arXiv:1708.06519 (BatchNorm scale);
 *  Molchanov et al. 2019, arXiv:1906.10771 (Taylor); Fang et al. 2023, arXiv:2301.12900 (over a group);
 *  Sun et al. 2024, arXiv:2306.11695 (weight times activation norm). */
import { elementCount, float32Values, type Tensor } from '../../model/ir/tensor.ts';
import type { ChannelGroup, GroupMember } from './channel-groups.ts';

export type Importance = 'l1' | 'l2' | 'batchnorm' | 'taylor' | 'activation' | 'reconstruction';

export interface ImportanceData {
  /** Gradient of the loss by initializer name, of the initializer's shape; for 'taylor'. */
  readonly gradients?: ReadonlyMap<string, Tensor> | undefined;
  /** Root mean square of what each index of a summing weight is multiplied with, by the weight's name: see
   *  measureActivity; for 'activation'. */
  readonly activity?: ReadonlyMap<string, Float64Array> | undefined;
  /** Error of the whole model by the key of a unit: see scoreReconstruction; for 'reconstruction'. */
  readonly errors?: ReadonlyMap<string, number> | undefined;
}

/** One score a unit, of mean 1 (all 1 where the members say nothing). A group without BatchNorm is scored by 'l2'. */
export function scoreUnits(
  group: ChannelGroup,
  importance: Importance,
  data: ImportanceData = {},
): Float64Array {
  if (importance === 'taylor') return normalised(taylor(group, data.gradients ?? new Map()));
  const votes = votesOf(group, importance, data);
  const total = new Float64Array(group.units.length);
  for (const vote of votes) for (const [u, v] of normalised(vote).entries()) total[u]! += v;
  return normalised(total);
}

/** How much more a unit of this group counts in one ranking with others: a channel of a residual stream is read in many
 *  places, and the network is the more sensitive to it. Chosen by trial on ResNet-56. */
export const reachOf = (group: ChannelGroup): number =>
  Math.sqrt(Math.max(1, group.members.filter((m) => m.role === 'in').length));

function votesOf(group: ChannelGroup, importance: Importance, data: ImportanceData): Float64Array[] {
  const own = group.members.filter((m) => m.role === 'out' || m.role === 'in' || m.role === 'scale');
  // Weights that stand before a DequantizeLinear or a Cast have no role of their own.
  const weights = own.length > 0 ? own : group.members.filter((m) => m.tensor.dims.length > 1);
  if (importance === 'batchnorm') {
    const scales = weights.filter((m) => m.role === 'scale');
    if (scales.length > 0) return scales.map((m) => magnitude(m, 1));
  }
  if (importance === 'activation') {
    const read = weights.filter((m) => m.role === 'in' && data.activity?.has(m.value.name));
    if (read.length > 0) return read.map((m) => activated(m, data.activity!.get(m.value.name)!));
  }
  return weights.map((m) => magnitude(m, importance === 'l1' ? 1 : 2));
}

/** L1 norm, or squared L2 norm, of what each unit takes from the member. */
function magnitude(member: GroupMember, power: 1 | 2): Float64Array {
  const sums = sliceSums(member.tensor, member.axis, (w) => (power === 1 ? Math.abs(w) : w * w));
  return perUnit(member, sums, (s) => s);
}

/** ‖W[:, i]‖₂² · mean(x_i²): the energy that a unit adds to what reads it. */
function activated(member: GroupMember, rms: Float64Array): Float64Array {
  const sums = sliceSums(member.tensor, member.axis, (w) => w * w).map((s, i) => s * (rms[i] ?? 0) ** 2);
  return perUnit(member, sums, (s) => s);
}

/** |Σ w·∂L/∂w| over what makes the unit: its change of the loss to first order. */
function taylor(group: ChannelGroup, gradients: ReadonlyMap<string, Tensor>): Float64Array {
  const total = new Float64Array(group.units.length);
  for (const member of group.members) {
    const gradient = gradients.get(member.value.name);
    if (!gradient || (member.role !== 'out' && member.role !== 'bias')) continue;
    const g = float32Values(gradient);
    const sums = sliceSums(member.tensor, member.axis, (w, at) => w * g[at]!);
    for (const [u, s] of perUnit(member, sums, (x) => x).entries()) total[u]! += s;
  }
  return total.map(Math.abs);
}

function perUnit(member: GroupMember, sums: Float64Array, finish: (sum: number) => number): Float64Array {
  return Float64Array.from(member.indices, (indices) => finish(indices.reduce((n, i) => n + sums[i]!, 0)));
}

/** Σ f(w) over each slice along an axis. */
function sliceSums(t: Tensor, axis: number, f: (w: number, at: number) => number): Float64Array {
  const values = float32Values(t);
  const size = t.dims[axis]!;
  const inner = elementCount(t.dims.slice(axis + 1));
  const sums = new Float64Array(size);
  for (let at = 0, i = 0; at < values.length; i = (i + 1) % size)
    for (const end = at + inner; at < end; at++) sums[i]! += f(values[at]!, at);
  return sums;
}

function normalised(scores: Float64Array): Float64Array {
  const mean = scores.reduce((n, s) => n + s, 0) / scores.length;
  return mean > 0 && Number.isFinite(mean) ? scores.map((s) => s / mean) : scores.map(() => 1);
}
