/** Cells over time: onnxruntime's operators where they compute the same, a Scan otherwise. */
import { graphAttribute } from '../../../ir/attribute.ts';
import type { Value } from '../../../ir/model.ts';
import { type Tensor, tensorOf } from '../../../ir/tensor.ts';
import { type Emitter, squeeze, transpose, unsqueeze } from '../../emit/index.ts';
import { biasShape, type Cell, type Gated, gateCounts } from './cells.ts';
import { type LayerCall, rearranged } from './layer.ts';

export interface Run {
  /** [batch, time, …]. */
  readonly x: Value;
  /** bool [batch, time]: a step that doesn't count leaves the states as they are, and its output is that before it. */
  readonly mask: Value | null;
  /** null: zeros. */
  readonly start: readonly Value[] | null;
  /** From the last step to the first. */
  readonly backwards: boolean;
  /** The steps of the result from the last to the first. */
  readonly reversed: boolean;
}

export interface Computed {
  /** [batch, time, …], as a function: its nodes are written when it is asked for. */
  readonly sequence: () => Value;
  /** Behind the last step that was computed; the first is the output. */
  readonly states: readonly Value[];
}

/** One step after the other, in a Scan. */
export function looped(e: Emitter, cell: Cell, run: Run): Computed {
  const prepared = cell.prepare(e, run.x);
  const start = run.start ?? cell.start(e, prepared);
  const scanned = [prepared, ...(run.mask ? [run.mask] : [])];
  const states = start.map((value, i) => ({ name: `state${i}`, type: value.type }));
  const slices = scanned.map((value, i) => ({ name: i === 0 ? 'x' : 'counts', type: withoutTime(value) }));
  const body = e.body('step', [...states, ...slices], (inner, values) => {
    const before = values.slice(0, start.length);
    const [x, counts] = values.slice(start.length);
    const computed = cell.step(inner, x!, before);
    const after = counts ? computed.map((v, i) => chosen(inner, counts, v, before[i]!)) : computed;
    return [...after, after[0]!];
  });
  const direction = run.backwards ? 1 : 0;
  const outputs = e.emitAll('Scan', [...start, ...scanned], start.length + 1, {
    body: graphAttribute(body),
    num_scan_inputs: scanned.length,
    scan_input_axes: scanned.map(() => 1),
    scan_input_directions: scanned.map(() => direction),
    scan_output_axes: [1],
    scan_output_directions: [run.backwards === run.reversed ? 0 : 1],
  });
  return { sequence: () => outputs.at(-1)!, states: outputs.slice(0, -1) };
}

const withoutTime = ({ type }: Value): Value['type'] =>
  type?.kind === 'tensor' && type.shape
    ? { ...type, shape: type.shape.filter((_, axis) => axis !== 1) }
    : type;

/** `after` for the samples whose step counts. counts bool [batch]. */
function chosen(e: Emitter, counts: Value, after: Value, before: Value): Value {
  const axes = Array.from({ length: e.rank(after) - 1 }, (_, i) => i + 1);
  return e.emit('Where', [unsqueeze(e, counts, ...axes), after, before]);
}

/** Keras's activations by onnxruntime's names. Those with parameters of their own run in a loop. */
const activations: ReadonlyMap<string, string> = new Map([
  ['sigmoid', 'Sigmoid'],
  ['tanh', 'Tanh'],
  ['relu', 'Relu'],
  ['softsign', 'Softsign'],
  ['softplus', 'Softplus'],
  ['hard_sigmoid', 'HardSigmoid'],
  ['elu', 'Elu'],
]);

/** Names of the operator's activations; null where one isn't exact. */
export function operatorActivations(settings: Gated, keras3: boolean): string[] | null {
  const { kind, activation, recurrentActivation } = settings;
  const names = {
    SimpleRNN: [activation],
    GRU: [recurrentActivation, activation],
    LSTM: [recurrentActivation, activation, activation],
  }[kind];
  if (keras3 && names.includes('hard_sigmoid')) return null;
  const found = names.map((name) => activations.get(name));
  return found.every((name) => name !== undefined) ? (found as string[]) : null;
}

/** Keras's gates in ONNX's order: LSTM i, f, c, o → i, o, f, c. */
const gateOrder = { SimpleRNN: [0], GRU: [0, 1, 2], LSTM: [0, 3, 1, 2] } as const;

/** One LSTM, GRU or RNN, time first. @param names  of its activations */
export function operator(call: LayerCall, settings: Gated, names: readonly string[], run: Run): Computed {
  const { e } = call;
  const { kind, units, features, resetAfter, useBias } = settings;
  const width = gateCounts[kind] * units;
  const w = stackedGates(settings, call.tensor('kernel', [features, width]), features);
  const r = stackedGates(settings, call.tensor('recurrent_kernel', [units, width]), units);
  const b = useBias ? e.constant(biases(settings, call.tensor('bias', biasShape(settings)))) : null;
  const start = (run.start ?? []).map((state) => unsqueeze(e, state, 0));
  const inputs = [transpose(e, run.x, [1, 0, 2]), e.constant(w), e.constant(r), b, null, ...start];
  const isLstm = kind === 'LSTM';
  const [y, ...last] = e.emitAll(kind === 'SimpleRNN' ? 'RNN' : kind, trimmed(inputs), isLstm ? 3 : 2, {
    hidden_size: units,
    direction: run.backwards ? 'reverse' : 'forward',
    activations: names,
    linear_before_reset: resetAfter ? 1 : undefined,
  });
  return {
    sequence() {
      const sequence = transpose(e, squeeze(e, y!, 1), [1, 0, 2]);
      return run.reversed ? reversed(e, sequence) : sequence;
    },
    states: last.map((state) => squeeze(e, state, 0)),
  };
}

/** Without optional inputs that are left out at the end. */
const trimmed = (inputs: readonly (Value | null)[]) =>
  inputs.slice(0, inputs.findLastIndex((v) => v !== null) + 1);

/** Steps from the last to the first. */
const reversed = (e: Emitter, x: Value): Value =>
  e.emit('Slice', [x, e.integers(-1), e.integers(Number.MIN_SAFE_INTEGER), e.integers(1), e.integers(-1)]);

/** [inputs, gates · units] → [1, gates · units, inputs]. */
function stackedGates({ kind, units }: Gated, t: Tensor, inputs: number): Tensor {
  const width = gateCounts[kind] * units;
  return rearranged(t, [1, width, inputs], (i) => {
    const row = Math.floor(i / inputs);
    return (i % inputs) * width + gateOrder[kind][Math.floor(row / units)]! * units + (row % units);
  });
}

/** Of the input, then of the state: zeros unless the reset gate acts behind the product. → [1, 2 · gates · units]. */
function biases({ kind, units, resetAfter }: Gated, t: Tensor): Tensor {
  const width = gateCounts[kind] * units;
  const ordered = rearranged(t, t.dims, (i) => {
    const at = i % width;
    return i - at + gateOrder[kind][Math.floor(at / units)]! * units + (at % units);
  });
  if (resetAfter) return { ...ordered, dims: [1, 2 * width] };
  const values = new Float32Array(2 * width);
  values.set(new Float32Array(new Uint8Array(ordered.bytes()).buffer));
  return tensorOf('float32', [1, 2 * width], values);
}
