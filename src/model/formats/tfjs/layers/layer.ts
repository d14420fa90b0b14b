/** What a layer is written from, and what a class of layers has to say. */
import { z } from 'zod';
import type { Value } from '../../../ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../../ir/tensor.ts';
import type { Dim } from '../../../ir/type.ts';
import { type ActivationOptions, activation, type Emitter } from '../../emit/index.ts';
import type { LayerConfig } from './config.ts';
import type { RawLayer } from './topology.ts';

/** What layers hand to one another: a value, and which time steps of it count. */
export interface Stream {
  readonly value: Value;
  /** bool [batch, time]; null: all of them. */
  readonly mask: Value | null;
}

export interface LayerCall {
  /** Nodes are named after the layer. */
  readonly e: Emitter;
  readonly config: LayerConfig;
  /** The first input. */
  readonly x: Value;
  readonly inputs: readonly Value[];
  /** Of each input. */
  readonly masks: readonly (Value | null)[];
  /** Where a recurrent layer starts, when the network says. */
  readonly states: readonly Value[];
  /** Written by Keras 3. */
  readonly keras3: boolean;
  /** A weight under Keras's name for it. Ask in Keras's order: Keras 3 numbers them.
   *  @param shape  null: any size. @throws TFJS_WEIGHT_MISSING, TFJS_WEIGHT_SHAPE */
  tensor(key: string | readonly string[], shape: readonly (number | null)[]): Tensor;
  /** The same as a constant of the graph. */
  weight(key: string | readonly string[], shape: readonly (number | null)[]): Value;
  /** The same layer as another name of its weights stands for: the cell in it, or one of its directions. */
  within(part: Part): LayerCall;
  /** Writes a layer that stands in the settings of this one. */
  inner(raw: RawLayer, inputs: readonly Value[]): readonly Value[];
}

export interface Part {
  readonly config: LayerConfig;
  readonly names: readonly string[];
}

export interface LayerClass {
  /** @returns all outputs */
  readonly write: (call: LayerCall) => Value | readonly Value[];
  /** Which time steps of the outputs count. 'keep': those of the first input. Absent: all.  */
  readonly mask?: 'keep' | ((call: LayerCall) => Value | null);
}

export type LayerTable = Readonly<Record<string, LayerClass>>;

/** Several classes that are written alike. */
export const classes = (names: string, row: LayerClass): LayerTable =>
  Object.fromEntries(names.split(' ').map((name) => [name, row]));

/** A name, or an object with one, as versions write functions. */
const functionSchema = z.union([
  z.string(),
  z.object({ class_name: z.literal('function'), config: z.string() }).transform(({ config }) => config),
  z.object({ class_name: z.string() }).transform(({ class_name }) => class_name),
]) as z.ZodType<string>;

/** "hardSigmoid" as JavaScript's classes are called, "HardSigmoid" as Python's, are "hard_sigmoid". */
const snake = (name: string) => name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

/** What Keras calls otherwise than TensorFlow. */
const otherNames: Readonly<Record<string, string>> = {
  leaky_relu: 'leakyrelu',
  re_lu: 'relu',
  log_soft_max: 'log_softmax',
};

/** The name of an activation in the settings; 'linear' when there is none. */
export function activationName(config: LayerConfig, key = 'activation', fallback = 'linear'): string {
  const name = snake(config.read(key, functionSchema, fallback));
  return otherNames[name] ?? name;
}

/** Applies an activation by Keras's name.
 *  hard_sigmoid is x/5 + 1/2 between 0 and 1, since Keras 3 x/6 + 1/2. */
export function activate(
  { e, keras3 }: Pick<LayerCall, 'e' | 'keras3'>,
  name: string,
  x: Value,
  options: ActivationOptions = {},
): Value {
  if (name === 'exponential') return e.emit('Exp', [x]);
  if (name === 'hard_swish' || name === 'hard_silu') return e.emit('HardSwish', [x]);
  return activation(e, name, x, keras3 && name === 'hard_sigmoid' ? { ...options, alpha: 1 / 6 } : options);
}

/** The activation that the layer's settings name. */
export const activated = (call: LayerCall, x: Value): Value => activate(call, activationName(call.config), x);

/** A size that must be a number when the model is converted. @param what  "the number of channels" */
export function fixed(call: LayerCall, size: Dim | undefined, what: string): number {
  return typeof size === 'number' ? size : call.config.fail(`${what} is not known`);
}

/** Computes a constant from weights: `at(i)` is the index of element i among theirs. */
export const rearranged = (t: Tensor, dims: readonly number[], at: (i: number) => number): Tensor => {
  const values = float32Values(t);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: values.length }, (_, i) => values[at(i)]!),
  );
};
