/** Takes nodes of a region over to their new layout. */
import { setInput } from '../ir/edit.ts';
import { constantOf, type Node, type Value } from '../ir/model.ts';
import { lazyTensor, type Tensor } from '../ir/tensor.ts';
import { transposeTensor } from '../ir/transpose.ts';
import { deliver, type Wanted } from './deliver.ts';
import { readingsOf } from './origin.ts';
import { compose, identityOf, type Permutation } from './permutation.ts';
import type { Region } from './region.ts';
import type { Ports } from './rule.ts';
import { layoutRule } from './rules/index.ts';
import type { LayoutSession } from './session.ts';

/** @param nodes  those of the region that go */
export function moveNodes(session: LayoutSession, region: Region, nodes: ReadonlySet<Node>): void {
  const going = new Map([...region.nodes].filter(([node]) => nodes.has(node)));
  const demands = [...region.values].map(([value, { length }]) => ({
    value,
    written: writtenOrder(value, length, going),
    wanted: wantedBy(session, value, length, going),
  }));
  for (const [node, ports] of going) copyConstants(session, node, ports);
  for (const [node, ports] of going) layoutRule(node)!.move?.(node, ports, session);
  for (const { value, written, wanted } of demands) deliver(session, value, written, wanted);
}

function writtenOrder(value: Value, rank: number, going: ReadonlyMap<Node, Ports>): Permutation {
  const node = value.producer;
  const ports = node && going.get(node);
  return ports?.outputs[node!.outputs.indexOf(value)] ?? identityOf(rank);
}

/** All readings of the value, but those of constants that get a copy. */
function wantedBy(
  { graph }: LayoutSession,
  value: Value,
  rank: number,
  going: ReadonlyMap<Node, Ports>,
): Wanted[] {
  return readingsOf(graph, value, rank).flatMap((reading) => {
    const { node, index } = reading.use;
    const ports = node && going.get(node);
    if (ports?.constants.some((c) => c.index === index)) return [];
    const own = ports?.inputs[index];
    return [{ ...reading, wants: own ? compose(reading.perm, own) : reading.perm }];
  });
}

function copyConstants(session: LayoutSession, node: Node, { constants }: Ports): void {
  for (const { index, perm } of constants) {
    const old = node.inputs[index]!;
    setInput(node, index, session.constant(old, broadcastable(constantOf(old)!, perm)));
  }
}

/** The constant with leading axes up to the rank, permuted, and without the leading axes that are 1 then. */
function broadcastable(t: Tensor, perm: Permutation): Tensor {
  const dims = [...new Array<number>(perm.length - t.dims.length).fill(1), ...t.dims];
  const moved = transposeTensor(withDims(t, dims), perm);
  const lead = moved.dims.findIndex((d) => d !== 1);
  return withDims(
    moved,
    t.dims.length === perm.length ? moved.dims : moved.dims.slice(lead < 0 ? perm.length : lead),
  );
}

const withDims = (t: Tensor, dims: readonly number[]): Tensor =>
  t.strings ? { ...t, dims: [...dims] } : lazyTensor(t.dtype, dims, () => t.bytes());
