/** What an answer says, in a form in which answers can be told apart: agreement means something only on samples that are answered surely,
 *  and not all alike. */
import { pictureInput } from '../../data/picture-input.ts';
import { dtypes } from '../../model/ir/dtype.ts';
import type { Port } from '../../model/ir/port.ts';
import { float32Values, type Tensor } from '../../model/ir/tensor.ts';
import { boxReader, type ReadBoxes } from './boxes/read-boxes.ts';
import type { MeterContext, Outputs } from './meter.ts';
import { asProbabilities } from './probabilities.ts';
import { outputsAs } from './task.ts';

export interface Told {
  /** The class or classes, where the answer is a choice; else null. */
  readonly choice: string | null;
  /** How sure it is, 0 to 1; 1 where nothing tells. */
  readonly sureness: number;
  /** Some of its numbers, the same places of each answer. */
  readonly numbers: Float32Array;
}

export type ReadAnswer = (outputs: Outputs) => Told;

/** Of larger outputs so many numbers are looked at. */
const mostNumbers = 512;

/** From so few on, which of some activations are there is a choice. */
const fewActivations = 64;

export function answerReader({ task, inputs, outputs }: MeterContext): ReadAnswer {
  const [scores] = outputsAs(task, 'scores', 'logits', 'letters');
  if (scores !== undefined) return (found) => tellScores(found[scores]!);
  const [activations] = outputsAs(task, 'activations');
  if (activations !== undefined) return (found) => tellActivations(found[activations]!);
  const boxes = outputsAs(task, 'detections');
  const told = task.outputs.map(({ name }) => name);
  const read = told.length > 0 ? told : namesOfNumbers(outputs);
  const numbersIn = (found: Outputs) => some(read.map((name) => found[name]!));
  if (boxes.length > 0) return tellBoxes(boxes, inputs, numbersIn);
  return (found) => ({ choice: null, sureness: 1, numbers: numbersIn(found) });
}

const namesOfNumbers = (outputs: readonly Port[]): string[] =>
  outputs.filter(({ dtype }) => dtypes[dtype].kind !== 'string').map(({ name }) => name);

function tellScores(t: Tensor): Told {
  const values = float32Values(t);
  const width = t.dims.at(-1) ?? 1;
  let sureness = 0;
  let choice = 0;
  for (let row = 0; row < values.length; row += width) {
    const shares = asProbabilities(values.subarray(row, row + width));
    const [first, second] = Array.from(shares).sort((a, b) => b - a);
    sureness += ((first ?? 0) - (second ?? 0)) * (width / values.length);
    choice = shares.indexOf(first ?? 0);
  }
  return { choice: values.length === width ? String(choice) : null, sureness, numbers: some([t]) };
}

function tellActivations(t: Tensor): Told {
  const values = Array.from(float32Values(t));
  const active = values.flatMap((v, i) => (v > 0.5 ? [i] : []));
  const isChoice = values.length <= fewActivations;
  const away = values.reduce((sum, v) => sum + Math.min(1, 2 * Math.abs(v - 0.5)), 0) / values.length;
  return {
    choice: isChoice ? active.join() : null,
    sureness: isChoice ? away : Math.min(1, active.length),
    numbers: some([t]),
  };
}

/** As sure as the surest box. */
function tellBoxes(
  names: readonly string[],
  inputs: readonly Port[],
  numbersIn: (outputs: Outputs) => Float32Array,
): ReadAnswer {
  const picture = inputs.map(pictureInput).find((p) => p !== null) ?? null;
  let read: ReadBoxes | null | undefined;
  return (found) => {
    const own = Object.fromEntries(names.map((name) => [name, found[name]!]));
    if (read === undefined) read = boxReader(own, picture);
    const scores = read?.(own, 0.01).map(({ score }) => score) ?? [];
    return {
      choice: null,
      sureness: read ? scores.reduce((a, b) => Math.max(a, b), 0) : 1,
      numbers: numbersIn(found),
    };
  };
}

/** At equal distances, of all tensors. */
function some(tensors: readonly Tensor[]): Float32Array {
  const each = Math.max(1, Math.floor(mostNumbers / Math.max(1, tensors.length)));
  return Float32Array.from(
    tensors.flatMap((t) => {
      const values = float32Values(t);
      const count = Math.min(each, values.length);
      return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);
    }),
  );
}
