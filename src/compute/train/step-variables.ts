/** What a step's graph is fed and what it gives, by name: tensors that live from step to step, scalars and measures. */

import {
  addInput,
  addNode,
  addOutput,
  createValue,
  removeInitializer,
  replaceAllUses,
} from '../../model/ir/edit.ts';
import { isGraphOutput, type Model, type Value } from '../../model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import type { Emitter } from '../autodiff/emitter.ts';

/** A tensor that lives from step to step: read from input `input`, written by output `output`. */
export interface Variable {
  /** Initialiser of the student, or that with the slot's name behind it. */
  readonly name: string;
  readonly kind: 'weight' | 'statistic' | 'slot' | 'average' | 'accumulated' | 'auxiliary';
  readonly input: string;
  /** Empty where the graph only reads it. */
  readonly output: string;
  readonly initial: Tensor;
}

/** Fed scalars (float32 []) and fetched measures of a step. */
export const scalarInputs = { learningRate: 'learning_rate', step: 'step' } as const;
export const measures = { loss: 'loss', accuracy: 'accuracy', gradientNorms: 'gradient_norms' } as const;

export const zeros = (dims: readonly number[]) =>
  tensorOf('float32', dims, new Float32Array(elementCount(dims)));

/** A new float32 input of the graph. */
export const floatInput = (e: Emitter, name: string, dims: readonly number[]): Value =>
  addInput(e.graph, createValue(e.model.names, name, tensorType('float32', dims)));

/** An input in the initialiser's place. */
export function toInput(model: Model, initializer: Value): Value {
  const { name, type } = initializer;
  const input = addInput(model.graph, createValue(model.names, `${name}.in`, type));
  replaceAllUses(initializer, input);
  removeInitializer(model.graph, initializer);
  return input;
}

/** A graph output of that name with this content. */
export function namedOutput(e: Emitter, name: string, value: Value): Value {
  const out = createValue(e.model.names, name, value.type);
  addNode(e.graph, { opType: 'Identity', inputs: [value], outputs: [out] });
  addOutput(e.graph, out);
  return out;
}

/** A tensor that is read from `input` and is `next` after the step. */
export function variable(
  e: Emitter,
  kind: Variable['kind'],
  name: string,
  input: Value,
  next: Value,
  initial: Tensor,
): Variable {
  return { name, kind, input: input.name, output: fetched(e, `${name}.out`, next).name, initial };
}

/** A tensor that the graph reads and does not write. */
export const readOnly = (kind: Variable['kind'], name: string, input: Value, initial: Tensor): Variable => ({
  name,
  kind,
  input: input.name,
  output: '',
  initial,
});

/** A graph output with this content: the value itself where it can be one, since a copy takes a pass over memory. */
function fetched(e: Emitter, name: string, value: Value): Value {
  if (!value.producer || isGraphOutput(value)) return namedOutput(e, name, value);
  addOutput(e.graph, value);
  return value;
}
