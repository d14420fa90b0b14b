/** Sizes that a model leaves open, given numbers: for runtimes that plan memory beforehand, and for samples of one size. */
import { sizeUnknown } from '../../support/diagnostics/graph.ts';
import { cloneModel } from '../ir/clone.ts';
import type { Model, Value } from '../ir/model.ts';
import { portsOf } from '../ir/port.ts';
import { type Dim, tensorType } from '../ir/type.ts';
import { graphsOf } from '../ir/walk.ts';
import { evaluate, symbolsOf } from '../ops/dims.ts';
import { inferShapes, isNamed } from '../ops/shapes.ts';

/** By the name of a size, or by input and axis, "image:2", where it has none. */
export type Sizes = Readonly<Record<string, number>>;

/** @returns a copy; what follows from the sizes is inferred again
 *  @throws SIZE_UNKNOWN for a name that no open size of an input has */
export function withSizes(source: Model, sizes: Sizes): Model {
  const open = openSizes(source);
  for (const name of Object.keys(sizes)) if (!open.includes(name)) throw sizeUnknown(name, open);
  const model = cloneModel(source);
  for (const input of model.graph.inputs)
    setSizes(input, (d, axis) => (isNamed(d) ? d : sizeAt(sizes, input.name, axis)));
  for (const graph of graphsOf(model))
    for (const v of [...graph.inputs, ...graph.outputs, ...graph.nodes.flatMap(({ outputs }) => outputs)])
      if (v) setSizes(v, (d) => (isNamed(d) ? (evaluate(d, sizes) ?? d) : d));
  inferShapes(model);
  return model;
}

/** Names of the sizes that a model's inputs leave open. */
export const openSizes = (model: Model): string[] => [
  ...new Set(
    portsOf(model).flatMap(({ name, shape }) =>
      (shape ?? []).flatMap((d, axis) => (isNamed(d) ? symbolsOf(d) : [placeOf(name, axis)])),
    ),
  ),
];

const placeOf = (input: string, axis: number) => `${input}:${axis}`;

const sizeAt = (sizes: Sizes, input: string, axis: number): number | null => {
  const place = placeOf(input, axis);
  return Object.hasOwn(sizes, place) ? sizes[place]! : null;
};

function setSizes(v: Value, size: (d: Dim, axis: number) => Dim): void {
  if (v.type?.kind !== 'tensor' || !v.type.shape) return;
  v.type = tensorType(v.type.dtype, v.type.shape.map(size));
}
