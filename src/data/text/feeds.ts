/** Tensors that models of text are fed with. */
import type { Port } from '../../model/ir/port.ts';
import { elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import type { DecoderPorts } from './decoder-ports.ts';
import type { EncoderPorts } from './encoder-ports.ts';

/** Token ids, one list a row; all rows of a call have the same length. */
export type TokenRows = readonly (readonly number[])[];

export type Feeds = Record<string, Tensor>;

const fixed = (port: Port, axis: number): number | null => {
  const dim = port.shape?.[axis];
  return typeof dim === 'number' ? dim : null;
};

/** The batch that the graph fixes; null where it is open. */
export const fixedBatch = (port: Port) => fixed(port, 0);

/** The number of tokens that the graph fixes; null where it is open. */
export const fixedLength = (port: Port) => fixed(port, 1);

/** Rows as a tensor of the port's type, [batch, tokens]. A graph that fixes its batch gets the last row again for
 *  each row too few. @param length  columns, `pad` at the end of shorter rows */
export function tokenTensor(port: Port, rows: TokenRows, length = rows[0]?.length ?? 0, pad = 0): Tensor {
  const batch = fixedBatch(port) ?? rows.length;
  const ids = new Array<number>(batch * length).fill(pad);
  for (let b = 0; b < batch; b++) {
    const row = rows[Math.min(b, rows.length - 1)]!;
    for (let t = 0; t < row.length; t++) ids[b * length + t] = row[t]!;
  }
  return tensorOf(port.dtype, [batch, length], ids);
}

/** One number for all elements, in the port's type. */
export const filled = (port: Pick<Port, 'dtype'>, dims: readonly number[], value: number): Tensor =>
  tensorOf(port.dtype, dims, new Array<number>(elementCount(dims)).fill(value));

/** start, start + 1, … for each row. */
export const positionTensor = (port: Port, batch: number, start: number, length: number): Tensor =>
  tensorOf(
    port.dtype,
    [batch, length],
    Array.from({ length: batch * length }, (_, i) => start + (i % length)),
  );

/** What a decoder's first run over some tokens is fed with: no past, positions from 0 on, zeros behind what is shorter than the
 *  graph's length.
 *  @param width  columns */
export function firstFeeds(
  ports: DecoderPorts,
  rows: TokenRows,
  width = rows[0]?.length ?? 0,
  pad = 0,
): Feeds {
  const tokens = tokenTensor(ports.tokens, rows, width, pad);
  const [batch] = tokens.dims as [number];
  const feeds: Feeds = { [ports.tokens.name]: tokens };
  for (const state of ports.states) feeds[state.input.name] = firstState(state, batch);
  if (ports.mask) feeds[ports.mask.name] = tokenTensor(ports.mask, ones(rows), width);
  if (ports.positions) feeds[ports.positions.name] = positionTensor(ports.positions, batch, 0, width);
  if (ports.tokenTypes) feeds[ports.tokenTypes.name] = filled(ports.tokenTypes, [batch, width], 0);
  if (ports.useCache) feeds[ports.useCache.name] = filled(ports.useCache, [1], 0);
  if (ports.logitsKept) feeds[ports.logitsKept.name] = filled(ports.logitsKept, [], width);
  return feeds;
}

/** A cache holds no positions yet: its open dimensions are the batch, first, and the length of the past, 0. Open dimensions of a
 *  recurrent state are its batch. */
export function firstState({ input, kind }: DecoderPorts['states'][number], batch: number): Tensor {
  const open = (axis: number) => (kind === 'recurrent' || axis === 0 ? batch : 0);
  return filled(
    input,
    (input.shape ?? []).map((d, axis) => (typeof d === 'number' ? d : open(axis))),
    0,
  );
}

const ones = (rows: TokenRows) => rows.map((row) => new Array<number>(row.length).fill(1));

/** What an encoder reads: ids, ones where they are, which of two texts each belongs to.
 *  @param types  0 everywhere when left out
 *  @param width  columns, `pad` and zeros behind shorter rows */
export function encoderFeeds(
  ports: EncoderPorts,
  rows: TokenRows,
  {
    types = [],
    width = rows[0]?.length ?? 0,
    pad = 0,
  }: { types?: TokenRows; width?: number; pad?: number } = {},
): Feeds {
  const tokens = tokenTensor(ports.tokens, rows, width, pad);
  const [batch] = tokens.dims as [number];
  const feeds: Feeds = { [ports.tokens.name]: tokens };
  if (ports.mask) feeds[ports.mask.name] = tokenTensor(ports.mask, ones(rows), width);
  if (ports.tokenTypes)
    feeds[ports.tokenTypes.name] =
      types.length > 0
        ? tokenTensor(ports.tokenTypes, types, width)
        : filled(ports.tokenTypes, tokens.dims, 0);
  if (ports.positions) feeds[ports.positions.name] = positionTensor(ports.positions, batch, 0, width);
  return feeds;
}
