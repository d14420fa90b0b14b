/** Cells on top of one another in one loop. */
import type { Value } from '../../../ir/model.ts';
import { gateKind, settingsList } from './cell-settings.ts';
import { type Cell, gatedCell, gatedSettings } from './cells.ts';
import type { LayerCall } from './layer.ts';

/** The states are those of the last cell first, as TensorFlow.js has them. */
export function stackedCells(call: LayerCall, features: number): Cell {
  let width = features;
  const cells = settingsList(call.config, 'cells').map((config, i) => {
    const own = call.within({ config, names: [`RNNCell_${i}`, config.name] });
    const settings = gatedSettings(own, gateKind(config), width);
    width = settings.units;
    return gatedCell(own, settings);
  });
  const firsts = cells.map((_, i) => cells.slice(i + 1).reduce((sum, cell) => sum + cell.states, 0));
  return {
    states: cells.reduce((sum, cell) => sum + cell.states, 0),
    prepare: (e, x) => cells[0]!.prepare(e, x),
    start: (e, prepared) => cells.toReversed().flatMap((cell) => cell.start(e, prepared)),
    step(e, x, states) {
      const computed: (readonly Value[])[] = [];
      cells.forEach((cell, i) => {
        const input = i === 0 ? x : cell.prepare(e, computed[i - 1]![0]!);
        computed.push(cell.step(e, input, states.slice(firsts[i], firsts[i]! + cell.states)));
      });
      return computed.toReversed().flat();
    },
  };
}
