/** LSTM, GRU, RNN. */
import { intAttribute, textAttribute } from '../../ir/attribute.ts';
import type { Dim } from '../../ir/type.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { tensor } from './common.ts';

/** X [T, B, I] → Y [T, D, B, H], Y_h and Y_c [D, B, H]; with layout 1: X [B, T, I], Y [B, T, D, H], Y_h [B, D, H]. */
const recurrent: ShapeRule = (c) => {
  const { time, batch, directions, hidden } = sizes(c);
  const dtype = c.dtype(0);
  if (intAttribute(c.node, 'layout', 0) === 1) {
    const state = tensor(dtype, [batch, directions, hidden]);
    return [tensor(dtype, [batch, time, directions, hidden]), state, state];
  }
  const state = tensor(dtype, [directions, batch, hidden]);
  return [tensor(dtype, [time, directions, batch, hidden]), state, state];
};

function sizes(c: ShapeContext): { time: Dim; batch: Dim; directions: number; hidden: Dim } {
  const x = c.shape(0);
  const [first, second] = [x?.[0] ?? null, x?.[1] ?? null];
  const swap = intAttribute(c.node, 'layout', 0) === 1;
  // R is [D, gates·H, H]; DynamicQuantizeLSTM stores it transposed, [D, H, gates·H].
  const r = c.shape(2);
  const fromWeights = c.node.domain === '' ? r?.[2] : r?.[1];
  return {
    time: swap ? second : first,
    batch: swap ? first : second,
    directions: textAttribute(c.node, 'direction', 'forward') === 'bidirectional' ? 2 : 1,
    hidden: intAttribute(c.node, 'hidden_size') ?? fromWeights ?? null,
  };
}

export const recurrentShapes: ShapeTable = {
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  'com.microsoft:DynamicQuantizeLSTM': recurrent,
};
