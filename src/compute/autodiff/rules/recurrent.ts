/** Loops over time that the lowering of LSTM, GRU and RNN made. A Scan of the model's own has no rule. */
import { gradientMissing } from '../../../support/diagnostics/training.ts';
import { backwardOf, notedCell } from '../recurrent/cell.ts';
import type { GradientTable } from '../rule.ts';

export const recurrent: GradientTable = {
  /** Inputs: states [B, H], projected inputs [T, B, k·H]; then the captured recurrent weight and bias. */
  Scan(c) {
    const noted = notedCell(c.node);
    if (!noted) throw gradientMissing([{ op: 'Scan', node: c.node.name || c.output(0).name }]);
    const d = noted.cell.backward(backwardOf(c, c.node, noted, c.gradient));
    return [...d.states, d.projected, d.recurrent, d.bias];
  },
};
