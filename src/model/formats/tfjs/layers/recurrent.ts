/** Recurrent layers, alone and in both directions. Stateful ones start from zeros at each call.
 *  Source: tfjs-layers src/layers/recurrent.ts, wrappers.ts; keras src/layers/rnn. */
import { z } from 'zod';
import type { Value } from '../../../ir/model.ts';
import { concat, type Emitter, transpose } from '../../emit/index.ts';
import { gateKind, settingsOf } from './cell-settings.ts';
import { type Cell, featuresOf, gatedCell, gatedSettings, stateCount } from './cells.ts';
import { channelsFirst, flag, type LayerConfig } from './config.ts';
import { convolutionalCell } from './convolutional-cell.ts';
import type { LayerCall, LayerTable, Part } from './layer.ts';
import { type Computed, looped, operator, operatorActivations, type Run } from './recurrence.ts';
import { stackedCells } from './stacked-cells.ts';

/** Runs the layer that the call's settings describe. @param run  x is channels last */
function computed(call: LayerCall, run: Run): Computed {
  const { config, e } = call;
  if (config.read('time_major', flag, false)) e.refuse('time before the batch');
  const loop = (cell: Cell) => {
    checkStart(config, run, cell.states);
    return looped(e, cell, run);
  };
  if (config.className === 'ConvLSTM2D') return loop(convolutionalCell(call, run.x));
  const own = config.className === 'RNN' ? cellOf(call) : call;
  if (own.config.className === 'StackedRNNCells') return loop(stackedCells(own, featuresOf(call)));
  const kind = gateKind(own.config);
  const settings = gatedSettings(own, kind, featuresOf(call));
  const names = run.mask ? null : operatorActivations(settings, call.keras3);
  if (!names) return loop(gatedCell(own, settings));
  checkStart(config, run, stateCount(kind));
  return operator(own, settings, names, run);
}

/** The cell in the settings of an RNN. Its weights are named after it, or after the RNN alone. */
function cellOf(call: LayerCall): LayerCall {
  const config = settingsOf(call.config, 'cell');
  return call.within({ config, names: [config.name, 'cell', call.config.name] });
}

function checkStart(config: LayerConfig, { start }: Run, expected: number) {
  if (start && start.length !== expected)
    config.fail(`it starts from ${start.length} states, not ${expected}`);
}

/** States that the network hands over, behind the input or by name. */
const startOf = ({ inputs, states }: LayerCall): readonly Value[] | null =>
  states.length > 0 ? states : inputs.length > 1 ? inputs.slice(1) : null;

/** Pictures are channels last while they are computed.
 *  @returns the output, then with return_state the states */
function recurrent(call: LayerCall): Value[] {
  const { e, x, config, masks } = call;
  const isFirst = isChannelsFirst(config);
  const start = startOf(call);
  const backwards = config.read('go_backwards', flag, false);
  const result = computed(call, {
    x: isFirst ? transpose(e, x, [0, 1, 3, 4, 2]) : x,
    mask: masks[0] ?? null,
    start: isFirst && start ? start.map((v) => transpose(e, v, [0, 2, 3, 1])) : start,
    backwards,
    reversed: backwards,
  });
  const output = config.read('return_sequences', flag, false) ? result.sequence() : result.states[0]!;
  const states = config.read('return_state', flag, false) ? result.states : [];
  return [output, ...states].map((v) => (isFirst ? transpose(e, v, lastToFirst(e.rank(v))) : v));
}

const isChannelsFirst = (config: LayerConfig) => config.className === 'ConvLSTM2D' && channelsFirst(config);

/** [batch, (time,) height, width, channels] → [batch, (time,) channels, height, width]. */
const lastToFirst = (rank: number) => (rank === 5 ? [0, 1, 4, 2, 3] : [0, 3, 1, 2]);

const merges = {
  concat: (e: Emitter, a: Value, b: Value) => concat(e, [a, b], e.rank(a) - 1),
  sum: (e: Emitter, a: Value, b: Value) => e.emit('Add', [a, b]),
  mul: (e: Emitter, a: Value, b: Value) => e.emit('Mul', [a, b]),
  ave: (e: Emitter, a: Value, b: Value) => e.emit('Mul', [e.emit('Add', [a, b]), e.scalar('float32', 0.5)]),
};

/** The same layer from both ends; both sequences lie in the order of the first.
 *  @returns the merged output, or both; then the states of both */
function bidirectional(call: LayerCall): Value[] {
  const { e, config, x } = call;
  const forward = settingsOf(config, 'layer');
  const backward = config.has('backward_layer') ? settingsOf(config, 'backward_layer') : forward;
  const turned = forward.read('go_backwards', flag, false);
  if (isChannelsFirst(forward)) e.refuse('channels first in both directions');
  const start = startOf(call);
  const half = start ? start.length / 2 : 0;
  const sequences = forward.read('return_sequences', flag, false);
  const side = (part: Part, backwards: boolean, from: number) => {
    const states = start?.slice(from, from + half) ?? null;
    const run = { x, mask: call.masks[0] ?? null, start: states, backwards, reversed: turned };
    const result = computed(call.within(part), run);
    return { output: sequences ? result.sequence() : result.states[0]!, states: result.states };
  };
  const there = side({ config: forward, names: directionNames('forward', forward) }, turned, 0);
  const back = side({ config: backward, names: directionNames('backward', backward) }, !turned, half);
  const mode = config.read('merge_mode', z.enum(['concat', 'sum', 'mul', 'ave', 'none']), 'none');
  const outputs =
    mode === 'none' ? [there.output, back.output] : [merges[mode](e, there.output, back.output)];
  const states = forward.read('return_state', flag, false) ? [...there.states, ...back.states] : [];
  return [...outputs, ...states];
}

const directionNames = (direction: string, { name }: LayerConfig) => [
  name.startsWith(`${direction}_`) ? name : `${direction}_${name}`,
  `${direction}_layer`,
];

const stepsOfSequence = (config: LayerConfig, mask: Value | null | undefined): Value | null =>
  mask && config.read('return_sequences', flag, false) ? mask : null;

const row = {
  write: recurrent,
  mask: ({ config, masks: [mask] }: LayerCall) => stepsOfSequence(config, mask),
};

export const recurrentLayers: LayerTable = {
  SimpleRNN: row,
  GRU: row,
  LSTM: row,
  RNN: row,
  ConvLSTM2D: row,
  Bidirectional: {
    write: bidirectional,
    mask: ({ config, masks: [mask] }) => stepsOfSequence(settingsOf(config, 'layer'), mask),
  },
};
