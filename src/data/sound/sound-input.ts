/** Which inputs of a model take sound, and what goes with it: its rate, its length, states from window to window. */
import { isFloat } from '../../model/ir/dtype.ts';
import type { Model } from '../../model/ir/model.ts';
import { outputPortsOf, type Port } from '../../model/ir/port.ts';
import { matchStates, type State } from '../text/decoder-ports.ts';

export interface SoundInput {
  readonly port: Port;
  /** Of its shape, the axis of time. */
  readonly axis: number;
  /** Samples that the graph takes; null where that is open. */
  readonly length: number | null;
  /** Takes the rate. */
  readonly rate: Port | null;
  /** Takes the number of samples. */
  readonly lengths: Port | null;
  /** Takes ones where there is sound. */
  readonly mask: Port | null;
  readonly states: readonly State[];
  /** Inputs that none of this is known to be for. */
  readonly others: readonly Port[];
}

const rates = /^(sr|sample_?rate|sampling_?rate|rate)$/i;
const counts = /^((audio|input|signal|waveform|wav)s?_)?(length|len|lens)s?$/i;
const masks = /^(attention|padding|input)_?mask$/i;
const sounds = /audio|wave?|waveform|speech|signal|sound|pcm|samples|^input_values$|^input$|^x$/i;

/** Numbers at least that a fixed input has to be of sound, not of features. */
const fewest = 128;

/** null where no input looks like sound: floats in one axis, beside batch and channel.
 *  @param model  the graph, where it is at hand: its outputs say which inputs are states */
export function soundInput(ports: readonly Port[], model?: Model): SoundInput | null {
  const named = (pattern: RegExp) => ports.find((p) => pattern.test(p.name) && !isFloat(p.dtype)) ?? null;
  const [rate, lengths, mask] = [named(rates), named(counts), named(masks)];
  const rest = ports.filter((p) => p !== rate && p !== lengths && p !== mask);
  const fitting = rest.flatMap((port) => {
    const axis = timeAxis(port);
    return axis === null ? [] : [{ port, axis }];
  });
  const found =
    fitting.find(({ port }) => sounds.test(port.name)) ?? (fitting.length === 1 ? fitting[0] : undefined);
  if (!found) return null;
  const besides = rest.filter((p) => p !== found.port);
  const states = model ? matchStates(besides, outputPortsOf(model)) : [];
  const size = found.port.shape?.[found.axis];
  return {
    ...found,
    length: typeof size === 'number' ? size : null,
    ...{ rate, lengths, mask, states },
    others: besides.filter((p) => !states.some(({ input }) => input === p)),
  };
}

/** [time], [batch, time], [batch, 1, time] or [batch, time, 1]. */
function timeAxis({ shape, dtype }: Port): number | null {
  if (!shape || !(dtype === 'float32' || dtype === 'float16' || dtype === 'int16')) return null;
  const rank = shape.length;
  if (rank < 1 || rank > 3) return null;
  const isLong = (axis: number) => {
    const dim = shape[axis];
    return typeof dim !== 'number' || dim >= fewest;
  };
  const isOne = (axis: number) => typeof shape[axis] !== 'number' || shape[axis] === 1;
  if (rank === 1) return isLong(0) ? 0 : null;
  if (!isOne(0)) return null;
  if (rank === 2) return isLong(1) ? 1 : null;
  if (shape[1] === 1 && isLong(2)) return 2;
  return shape[2] === 1 && isLong(1) ? 1 : null;
}
