/** Axes that a Reshape merges or splits: one of the parts carries the indices of the whole, the others are pinned, because
 *  an index (i, j) that goes with i can't go with j too. Which part it is, is decided when all links are known. */
import { shapeOf, type Value } from '../../ir/model.ts';
import { elementCount } from '../../ir/tensor.ts';
import type { Classes } from './classes.ts';
import type { AxisRow, UnitKind } from './links.ts';

export interface AxisPlace {
  readonly value: Value;
  readonly axis: number;
}

export interface Merge {
  readonly whole: AxisPlace;
  /** Outermost first. */
  readonly parts: readonly AxisPlace[];
  /** The whole is what was there before: a split, as into heads. */
  readonly isSplit: boolean;
}

interface Links {
  readonly classes: Classes<UnitKind>;
  row(value: Value, axis: number): AxisRow | null;
  pin(value: Value, axis: number, reason: string): void;
}

/** Decides every merge; those without a choice first, as each decision pins axes that others choose among. */
export function decideMerges(links: Links, merges: readonly Merge[]): void {
  let open = [...merges];
  while (open.length > 0) {
    const options = new Map(open.map((m) => [m, optionsOf(links, m)]));
    const forced = open.filter((m) => options.get(m)!.length <= 1);
    const now = forced.length > 0 ? forced : open.slice(0, 1);
    for (const m of now) decide(links, m, options.get(m)![0] ?? -1);
    open = open.filter((m) => !now.includes(m));
  }
}

/** The parts that could carry the whole's indices. */
const optionsOf = (links: Links, { whole, parts }: Merge): number[] =>
  isFree(links, whole) ? parts.flatMap((part, i) => (isFree(links, part) ? [i] : [])) : [];

/** Whether some index of the axis could still be removed. */
function isFree({ classes, row }: Links, { value, axis }: AxisPlace): boolean {
  const r = row(value, axis);
  if (!r || r.size === 1) return false;
  for (let i = 0; i < r.size; i++) if (classes.pinOf(r.base + i) === null) return true;
  return false;
}

function firstPin({ classes, row }: Links, { value, axis }: AxisPlace): string | null {
  const r = row(value, axis);
  return r && r.size > 1 ? classes.pinOf(r.base) : null;
}

/** The indices of the whole go with those of part `chosen`. */
function decide(links: Links, merge: Merge, chosen: number): void {
  const { whole, parts } = merge;
  const reason = parts.map((p) => firstPin(links, p)).find((r) => r !== null) ?? 'reshape-mixes-axes';
  parts.forEach((p, i) => {
    if (i !== chosen) links.pin(p.value, p.axis, 'inside-a-reshaped-axis');
  });
  const flat = links.row(whole.value, whole.axis);
  const part = parts[chosen] && links.row(parts[chosen].value, parts[chosen].axis);
  if (flat && part) joinRepeated(links.classes, flat, part, merge, chosen);
  else links.pin(whole.value, whole.axis, reason);
}

/** Index i of the part stands for a stretch of the whole's indices, which comes again for each index further out. */
function joinRepeated(
  classes: Classes<UnitKind>,
  flat: AxisRow,
  part: AxisRow,
  { parts, isSplit }: Merge,
  chosen: number,
): void {
  const sizes = parts.map((p) => shapeOf(p.value)![p.axis] as number);
  const inner = elementCount(sizes.slice(chosen + 1));
  for (let i = 0; i < flat.size; i++)
    classes.join(flat.base + i, part.base + (Math.floor(i / inner) % part.size));
  if (!isSplit || inner <= 1) return;
  for (let i = 0; i < part.size; i++)
    if (classes.kindOf(part.base + i) === null) classes.setKind(part.base + i, 'heads');
}
