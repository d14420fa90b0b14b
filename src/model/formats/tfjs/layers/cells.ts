/** Cells of recurrent layers: one step in time, as nodes. What the input contributes is computed for all steps at once.
 *  Source: tfjs-layers src/layers/recurrent.ts, convolutional_recurrent.ts; keras src/layers/rnn. */
import type { Value } from '../../../ir/model.ts';
import { concat, type Emitter, matmul, sizeOfAxis, slice } from '../../emit/index.ts';
import { count, flag } from './config.ts';
import { activate, activationName, fixed, type LayerCall } from './layer.ts';

export type Activate = (e: Emitter, x: Value) => Value;

/** One step. @returns the new states; the first is the output too */
export type Step = (e: Emitter, x: Value, states: readonly Value[]) => readonly Value[];

export interface Cell {
  /** What of the input enters all steps. x [batch, time, features] → [batch, time, …]. */
  prepare(e: Emitter, x: Value): Value;
  readonly step: Step;
  /** How many states it has. */
  readonly states: number;
  /** Zeros to start from. @param prepared  what `prepare` returned */
  start(e: Emitter, prepared: Value): readonly Value[];
}

export type GateKind = 'SimpleRNN' | 'GRU' | 'LSTM';
export const gateCounts: Readonly<Record<GateKind, number>> = { SimpleRNN: 1, GRU: 3, LSTM: 4 };

export const stateCount = (kind: GateKind) => (kind === 'LSTM' ? 2 : 1);

/** The numbers of a gated cell, with its settings. */
export interface Gated {
  readonly kind: GateKind;
  readonly units: number;
  readonly features: number;
  readonly activation: string;
  /** Of the gates. */
  readonly recurrentActivation: string;
  /** GRU: the reset gate acts behind the recurrent product. */
  readonly resetAfter: boolean;
  readonly useBias: boolean;
}

export const gatedSettings = (call: LayerCall, kind: GateKind, features: number): Gated => ({
  kind,
  features,
  units: call.config.read('units', count),
  activation: activationName(call.config, 'activation', 'tanh'),
  recurrentActivation: activationName(call.config, 'recurrent_activation', 'hard_sigmoid'),
  // TensorFlow.js knows no other form than false.
  resetAfter: kind === 'GRU' && call.config.read('reset_after', flag, false),
  useBias: call.config.read('use_bias', flag, true),
});

export const biasShape = ({ kind, units, resetAfter }: Gated): number[] =>
  resetAfter ? [2, gateCounts[kind] * units] : [gateCounts[kind] * units];

/** The same formula for a cell in a loop as onnxruntime's operator has it, with any activation. */
export function gatedCell(call: LayerCall, settings: Gated): Cell {
  const { kind, units, features, resetAfter, useBias } = settings;
  const width = gateCounts[kind] * units;
  const kernel = call.weight('kernel', [features, width]);
  const recurrent = call.weight('recurrent_kernel', [units, width]);
  const bias = useBias ? call.weight('bias', biasShape(settings)) : null;
  const row = (i: number) => slice(call.e, bias!, 0, i, i + 1);
  const f: Activate = (e, x) => activate({ e, keras3: call.keras3 }, settings.recurrentActivation, x);
  const g: Activate = (e, x) => activate({ e, keras3: call.keras3 }, settings.activation, x);
  const after = resetAfter && bias ? row(1) : null;
  const steps: Readonly<Record<GateKind, Step>> = {
    SimpleRNN: (e, x, [h]) => [g(e, e.emit('Add', [x, matmul(e, h!, recurrent)]))],
    GRU: resetAfter ? gruAfter(recurrent, after, units, f, g) : gruBefore(recurrent, units, f, g),
    LSTM: lstm((e, h) => matmul(e, h, recurrent), units, f, g),
  };
  return {
    prepare: (e, x) => matmul(e, x, kernel, { bias: resetAfter && bias ? row(0) : bias }),
    step: steps[kind],
    states: stateCount(kind),
    start: (e, prepared) => Array.from({ length: stateCount(kind) }, () => zeros(e, prepared, units)),
  };
}

/** float32 [batch, units]. */
export const zeros = (e: Emitter, x: Value, units: number) =>
  e.emit('ConstantOfShape', [concat(e, [sizeOfAxis(e, x, 0), e.integers(units)], 0)]);

/** Part i of the gates along the last axis. */
const gate = (e: Emitter, x: Value, i: number, units: number) =>
  slice(e, x, e.rank(x) - 1, i * units, (i + 1) * units);

const added = (e: Emitter, a: Value, b: Value) => e.emit('Add', [a, b]);
const times = (e: Emitter, a: Value, b: Value) => e.emit('Mul', [a, b]);

/** z·h + (1 − z)·n. */
const mixed = (e: Emitter, z: Value, h: Value, n: Value) =>
  added(e, times(e, z, h), times(e, e.emit('Sub', [e.scalar('float32', 1), z]), n));

/** Gates i, f, c, o; c' = f·c + i·g(ĉ), h' = o·g(c'). @param product  of the state with the recurrent weights */
export const lstm =
  (product: (e: Emitter, h: Value) => Value, units: number, f: Activate, g: Activate): Step =>
  (e, x, [h, c]) => {
    const sum = added(e, x, product(e, h!));
    const [i, forget, candidate, o] = [0, 1, 2, 3].map((k) => gate(e, sum, k, units));
    const kept = times(e, f(e, forget!), c!);
    const next = added(e, kept, times(e, f(e, i!), g(e, candidate!)));
    return [times(e, f(e, o!), g(e, next)), next];
  };

/** Gates z, r, h; n = g(x_h + (r·h)·R_h). */
const gruBefore =
  (recurrent: Value, units: number, f: Activate, g: Activate): Step =>
  (e, x, [h]) => {
    const inner = matmul(e, h!, slice(e, recurrent, 1, 0, 2 * units));
    const [z, r] = [0, 1].map((k) => f(e, added(e, gate(e, x, k, units), gate(e, inner, k, units))));
    const reset = matmul(e, times(e, r!, h!), slice(e, recurrent, 1, 2 * units, 3 * units));
    return [mixed(e, z!, h!, g(e, added(e, gate(e, x, 2, units), reset)))];
  };

/** Gates z, r, h; n = g(x_h + r·(h·R_h + b)). */
const gruAfter =
  (recurrent: Value, bias: Value | null, units: number, f: Activate, g: Activate): Step =>
  (e, x, [h]) => {
    const inner = matmul(e, h!, recurrent, { bias });
    const [z, r] = [0, 1].map((k) => f(e, added(e, gate(e, x, k, units), gate(e, inner, k, units))));
    const reset = times(e, r!, gate(e, inner, 2, units));
    return [mixed(e, z!, h!, g(e, added(e, gate(e, x, 2, units), reset)))];
  };

/** Features of a sequence [batch, time, features]. */
export function featuresOf(call: LayerCall): number {
  const { e, x, config } = call;
  if (e.rank(x) !== 3) config.fail(`its input has ${e.rank(x)} axes, not 3`);
  return fixed(call, e.sizes(x)[2], 'the number of features');
}
