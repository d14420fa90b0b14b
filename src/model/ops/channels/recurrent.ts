/** LSTM, GRU and RNN: a hidden unit is a row of every gate in W, R and B, a column of R, and an element of the state.
 *    X [T,B,I] · W [D,g·H,I] · R [D,g·H,H] · B [D,2·g·H] · P [D,3·H] · Y [T,D,B,H] · Yh, Yc, h0, c0 [D,B,H]
 *  Both directions lose the same units. */
import { setAttribute } from '../../ir/edit.ts';
import type { Value } from '../../ir/model.ts';
import { type ChannelRule, type ChannelTable, pinNode } from './rule.ts';

const recurrent =
  (gates: number): ChannelRule =>
  (c) => {
    const [x, w, r, b, , h0, c0, p] = c.node.inputs;
    const hidden = c.shape(r)?.[2];
    if (!x || !w || !r || typeof hidden !== 'number') return pinNode(c, 'shape-unknown');
    const unit = (v: Value | null | undefined, axis: number, blocks: number) => {
      if (!v) return;
      for (let g = 0; g < blocks; g++)
        for (let h = 0; h < hidden; h++) c.link(v, axis, g * hidden + h, r, 2, h);
    };
    const others = (v: Value | null | undefined, axis: number) => {
      for (let i = 0; i < (c.shape(v)?.length ?? 0); i++) if (i !== axis) c.pin(v, i, 'recurrent-axis');
    };
    c.same(w, 2, x, 2);
    unit(w, 1, gates);
    unit(r, 1, gates);
    unit(b, 1, 2 * gates);
    unit(p, 1, 3);
    for (const state of [h0, c0, ...c.node.outputs.slice(1)]) unit(state, 2, 1);
    unit(c.node.outputs[0], 3, 1);
    for (const v of [w, r, b, p]) c.pin(v, 0, 'recurrent-axis');
    others(x, 2);
    for (const state of [h0, c0, ...c.node.outputs.slice(1)]) others(state, 2);
    others(c.node.outputs[0], 3);
    c.role(w, 1, 'out');
    c.role(w, 2, 'in');
    c.role(r, 1, 'out');
    c.role(r, 2, 'in');
    c.role(b, 1, 'bias');
    c.kind(r, 2, 'hidden');
    c.onShrink((kept) => {
      if (kept.changed(r, 2)) setAttribute(c.node, 'hidden_size', kept.size(r, 2) as number);
    });
  };

export const recurrentChannels: ChannelTable = { LSTM: recurrent(4), GRU: recurrent(3), RNN: recurrent(1) };
