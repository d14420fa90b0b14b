/** Rotary position embedding turns pairs of numbers by an angle; the gradient is turned back: the sign of sin changes.
 *  The tables of cos and sin count as constants. */
import { opKey, type Value } from '../../../model/ir/model.ts';
import type { GradientRule, GradientTable } from '../rule.ts';

/** @param sin  index of the table of sines among the inputs */
const rotary =
  (sin: number): GradientRule =>
  (c) => {
    const turned = c.node.inputs.map((v, i): Value | null =>
      i === 0 ? c.gradient(0) : i === sin ? c.op('Neg', [c.input(sin)]) : v,
    );
    return [c.op(opKey(c.node), turned, Object.fromEntries(c.node.attributes))];
  };

export const attention: GradientTable = {
  RotaryEmbedding: rotary(2),
  'com.microsoft:RotaryEmbedding': rotary(3),
};
