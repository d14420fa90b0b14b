/** Blocks of space as batches or channels. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import {
  concat,
  reshape,
  sizeOfAxis,
  slice,
  toChannelsFirst,
  toChannelsLast,
  transpose,
} from './movement.ts';
import { type Pads, pad } from './pad.ts';

/** [batch, …blocked, rest] → [batch · blocks, …blocked / block, rest]: the places within a block become batches.
 *  @param pads  of the blocked axes, before that */
export function spaceToBatch(e: Emitter, given: Value, blocks: readonly number[], pads: Pads): Value {
  const rank = rankFor(e, given, blocks);
  const count = blocks.length;
  const all: Pads = Array.from({ length: rank }, (_, i) => pads[i - 1] ?? ([0, 0] as const));
  const x = pad(e, given, all);
  const parts = blocks.flatMap((block, i) => [
    e.emit('Div', [sizeOfAxis(e, x, i + 1), e.integers(block)]),
    e.integers(block),
  ]);
  const rest = trailing(e, x, count + 1);
  const split = reshape(e, x, concat(e, [sizeOfAxis(e, x, 0), ...parts, ...rest], 0));
  const places = blocks.map((_, i) => 2 + 2 * i);
  const moved = transpose(e, split, [
    ...places,
    0,
    ...places.map((place) => place - 1),
    ...Array.from({ length: rank - count - 1 }, (_, i) => 1 + 2 * count + i),
  ]);
  const sizes = blocks.map((_, i) => parts[2 * i]!);
  return reshape(e, moved, concat(e, [e.integers(-1), ...sizes, ...rest], 0));
}

/** The other way round, then cut. */
export function batchToSpace(e: Emitter, x: Value, blocks: readonly number[], crops: Pads): Value {
  const rank = rankFor(e, x, blocks);
  const count = blocks.length;
  const rest = trailing(e, x, count + 1);
  const area = blocks.reduce((a, b) => a * b, 1);
  const batch = e.emit('Div', [sizeOfAxis(e, x, 0), e.integers(area)]);
  const sizes = blocks.map((_, i) => sizeOfAxis(e, x, i + 1));
  const split = reshape(e, x, concat(e, [...blocks.map((b) => e.integers(b)), batch, ...sizes, ...rest], 0));
  const moved = transpose(e, split, [
    count,
    ...blocks.flatMap((_, i) => [count + 1 + i, i]),
    ...Array.from({ length: rank - count - 1 }, (_, i) => 2 * count + 1 + i),
  ]);
  const grown = sizes.map((size, i) => e.emit('Mul', [size, e.integers(blocks[i]!)]));
  const y = reshape(e, moved, concat(e, [batch, ...grown, ...rest], 0));
  return crops.reduce(
    (cut, [before, after], i) =>
      before === 0 && after === 0 ? cut : slice(e, cut, i + 1, before, after === 0 ? 2 ** 31 - 1 : -after),
    y,
  );
}

function rankFor(e: Emitter, x: Value, blocks: readonly number[]): number {
  const rank = e.rank(x);
  if (blocks.length >= rank || !blocks.every((block) => Number.isInteger(block) && block > 0))
    e.refuse(`blocks of [${blocks}] for an input of ${rank} axes`);
  return rank;
}

/** Sizes of the axes from one on, as lists to join. */
const trailing = (e: Emitter, x: Value, axis: number): Value[] =>
  axis < e.rank(x) ? [e.emit('Shape', [x], { start: axis })] : [];

/** Channels as blocks of space. [batch, h, w, size² · c] → [batch, h · size, w · size, c]. */
export const depthToSpace = (e: Emitter, x: Value, size: number): Value =>
  toChannelsLast(
    e,
    e.emit('DepthToSpace', [toChannelsFirst(e, x)], { blocksize: blockOf(e, size), mode: 'DCR' }),
  );

/** The other way round. */
export const spaceToDepth = (e: Emitter, x: Value, size: number): Value =>
  toChannelsLast(e, e.emit('SpaceToDepth', [toChannelsFirst(e, x)], { blocksize: blockOf(e, size) }));

const blockOf = (e: Emitter, size: number) => (size > 0 ? size : e.refuse(`blocks of ${size}`));
