/** Groups of channels that can be removed one by one: each unit is a class of linked indices; units that reach the same
 *  axes form a group (the 64 channels of a convolution with all that follows from them, the heads of an attention). */
import { type Model, type Node, readers, type Value } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { constantTensor } from '../../model/ops/channels/constant.ts';
import type { AxisRow, Role, UnitKind } from '../../model/ops/channels/links.ts';
import { type LinkedModel, type LinkOptions, linkChannels } from '../../model/ops/channels.ts';
import { labelOf } from '../../model/rewrite/apply.ts';

export interface ChannelGroup {
  /** Name of the first node that makes the channels. */
  readonly name: string;
  readonly kind: UnitKind;
  /** Class ids, in the order of the first axis. */
  readonly units: readonly number[];
  /** Names of the units, by where they are made: the same in every copy of the model, and no two alike. */
  readonly keys: readonly string[];
  /** Constants that lose something with every unit. */
  readonly members: readonly GroupMember[];
}

export interface GroupMember {
  readonly value: Value;
  readonly tensor: Tensor;
  readonly axis: number;
  readonly role: Role | null;
  /** For each unit, the indices along the axis that go with it. */
  readonly indices: readonly (readonly number[])[];
}

export interface ChannelGroups extends LinkedModel {
  readonly groups: readonly ChannelGroup[];
  /** Weights that make channels of which none can be removed, with the reason. */
  readonly pinned: readonly PinnedChannels[];
}

interface PinnedChannels {
  readonly at: string;
  readonly reason: string;
}

interface Unit {
  readonly cls: number;
  readonly touches: Map<AxisRow, number[]>;
}

/** Finds them. Types of values are inferred first. Residual streams that are normalised as a whole (LayerNormalization)
 *  are pinned, unless `shrinkNorms` lets them shrink. */
export function findChannelGroups(model: Model, options: LinkOptions = {}): ChannelGroups {
  const linked = linkChannels(model, options);
  const { links } = linked;
  const units = new Map<number, Unit>();
  for (const row of links.rows)
    for (let i = 0; i < row.size; i++) {
      const cls = links.find(row.base + i);
      if (links.pinOf(cls) !== null) continue;
      const unit = units.get(cls) ?? { cls, touches: new Map() };
      units.set(cls, unit);
      const list = unit.touches.get(row);
      if (list) list.push(i);
      else unit.touches.set(row, [i]);
    }
  const bySignature = new Map<string, Unit[]>();
  for (const unit of units.values()) {
    if (!has(unit, 'out') || !has(unit, 'in')) continue;
    const key = [...unit.touches.keys()].map((row) => row.id).join();
    const group = bySignature.get(key);
    if (group) group.push(unit);
    else bySignature.set(key, [unit]);
  }
  const groups = [...bySignature.values()].filter((g) => !isWholeAxis(g)).map((g) => groupOf(g, linked));
  return { ...linked, groups, pinned: pinnedOf(linked, units, bySignature) };
}

const has = (unit: Unit, role: Role) => [...unit.touches.keys()].some((row) => row.role === role);

/** A single unit that is all of an axis can't go. */
const isWholeAxis = (group: readonly Unit[]) =>
  group.length === 1 && [...group[0]!.touches].some(([row, indices]) => indices.length === row.size);

function groupOf(units: readonly Unit[], { links }: LinkedModel): ChannelGroup {
  const rows = [...units[0]!.touches.keys()];
  const members = rows.flatMap((row) => {
    const tensor = constantTensor(row.value);
    return tensor
      ? [
          {
            value: row.value,
            tensor,
            axis: row.axis,
            role: row.role,
            indices: units.map((u) => u.touches.get(row)!),
          },
        ]
      : [];
  });
  const maker = rows.find((row) => row.role === 'out')!;
  return {
    name: nameOf(maker.value),
    kind: links.kindOf(units[0]!.cls) ?? 'hidden',
    units: units.map((u) => u.cls),
    keys: units.map((u) => `${maker.value.name} ${maker.axis} ${u.touches.get(maker)![0]}`),
    members,
  };
}

const nameOf = (weight: Value) => {
  const reader: Node | undefined = readers(weight)[0];
  return reader ? labelOf(reader) : weight.name;
};

function pinnedOf(
  { links }: LinkedModel,
  units: ReadonlyMap<number, Unit>,
  groups: ReadonlyMap<string, readonly Unit[]>,
): PinnedChannels[] {
  const grouped = new Set([...groups.values()].flatMap((g) => (isWholeAxis(g) ? [] : g.map((u) => u.cls))));
  const found = new Map<string, PinnedChannels>();
  for (const row of links.rows) {
    if (row.role !== 'out' || row.size === 1) continue;
    const classes = Array.from({ length: row.size }, (_, i) => links.find(row.base + i));
    if (classes.some((cls) => grouped.has(cls))) continue;
    const reason = classes.map((cls) => links.pinOf(cls)).find((r) => r !== null);
    const at = nameOf(row.value);
    const unread = classes.some((cls) => units.has(cls)) ? 'one-unit-only' : 'nothing-sums-over-it';
    if (!found.has(at)) found.set(at, { at, reason: reason ?? unread });
  }
  return [...found.values()];
}
