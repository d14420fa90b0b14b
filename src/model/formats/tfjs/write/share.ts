/** Stores equal constants once: several convolutions may read one filter, and each turned its own. */
import type { TfNode, WeightData } from './graph.ts';

/** @param numbers  constants that must not be tensors too
 *  @returns the nodes without those whose constant another one holds */
export function shareConstants(nodes: readonly TfNode[], numbers: ReadonlySet<TfNode>): TfNode[] {
  const stands = new Map<TfNode, TfNode>();
  for (const group of groupsOf(nodes, numbers).values()) shareWithin(group, stands);
  for (const node of nodes)
    node.inputs = node.inputs.map((ref) => {
      const other = stands.get(ref.node);
      return other ? { ...ref, node: other } : ref;
    });
  return nodes.filter((node) => !stands.has(node));
}

type Constant = TfNode & { readonly weight: WeightData };

/** Constants that differ in their elements at most. */
function groupsOf(nodes: readonly TfNode[], numbers: ReadonlySet<TfNode>): Map<string, Constant[]> {
  const groups = new Map<string, Constant[]>();
  for (const node of nodes) {
    if (!node.weight) continue;
    const key = JSON.stringify([node.weight, numbers.has(node)]);
    groups.set(key, [...(groups.get(key) ?? []), node as Constant]);
  }
  return groups;
}

function shareWithin(group: readonly Constant[], stands: Map<TfNode, TfNode>): void {
  if (group.length < 2) return;
  const seen = new Map<string, Constant[]>();
  for (const node of group) {
    const bytes = node.weight.bytes();
    const key = digest(bytes);
    const same = seen.get(key)?.find((other) => equal(other.weight.bytes(), bytes));
    if (same) stands.set(node, same);
    else seen.set(key, [...(seen.get(key) ?? []), node]);
  }
}

const equal = (a: Uint8Array, b: Uint8Array) => a.every((byte, i) => byte === b[i]);

/** FNV-1a; equal bytes have equal digests. */
function digest(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return String(hash);
}
