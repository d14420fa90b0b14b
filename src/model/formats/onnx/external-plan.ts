/** Lays tensors out one after the other in a data file beside the model. */

import type { Model } from '../../ir/model.ts';
import { sizeBytes, type Tensor } from '../../ir/tensor.ts';
import { initializersOf } from '../../ir/walk.ts';
import type { WrittenFile } from '../format.ts';
import type { PlaceExternal } from './tensors.ts';
import { encodeModel } from './write.ts';

/** Smaller tensors stay in the model file, where shape inference and folding look for them. */
export const SMALLEST = 1024;

/** Bytes of weights beyond which they go into a data file: protobuf ends at 2 GiB, and some parsers below. */
export const EMBEDDED_LIMIT = 1.5e9;

export interface ExternalEncoding {
  /** The model file, without the tensors below. */
  readonly bytes: Uint8Array;
  /** In the order of their offsets; between them are gaps, to be filled with zeros. */
  readonly tensors: readonly { readonly tensor: Tensor; readonly offset: number }[];
}

interface ExternalPlan {
  /** Called for each tensor by a writer. */
  readonly place: PlaceExternal;
  /** What was placed, as ExternalEncoding has it. */
  tensors(): ExternalEncoding['tensors'];
}

/** @param location  the data file's name, relative to the model's folder */
export function planExternal(location: string): ExternalPlan {
  const placed = new Map<Tensor, number>();
  let end = 0;
  return {
    place(tensor) {
      const length = sizeBytes(tensor);
      if (length < SMALLEST) return undefined;
      let offset = placed.get(tensor);
      if (offset === undefined) {
        // Runtimes map large tensors into memory, which works on page boundaries only.
        const alignment = length >= 2 ** 20 ? 4096 : 64;
        offset = Math.ceil(end / alignment) * alignment;
        placed.set(tensor, offset);
        end = offset + length;
      }
      return { location, offset, length };
    },
    tensors: () => [...placed].map(([tensor, offset]) => ({ tensor, offset })),
  };
}

/** @param location  the data file's name, relative to the model's folder
 *  @throws ONNX_TOO_LARGE when even the rest is more than one file can hold */
export function encodeModelExternal(model: Model, location: string): ExternalEncoding {
  const plan = planExternal(location);
  const bytes = encodeModel(model, plan);
  return { bytes, tensors: plan.tensors() };
}

/** The data file of a plan: one tensor at a time is in memory. */
export const dataFile = (name: string, tensors: ExternalEncoding['tensors']): WrittenFile => ({
  name,
  sizeBytes: Math.max(0, ...tensors.map(({ tensor, offset }) => offset + sizeBytes(tensor))),
  *pieces() {
    let at = 0;
    for (const { tensor, offset } of tensors) {
      yield new Uint8Array(offset - at);
      const content = tensor.bytes();
      yield content;
      at = offset + content.length;
    }
  },
});

/** The names of the data files that a model has tensors in. */
export const dataFilesOf = (model: Model): string[] => [
  ...new Set([...initializersOf(model)].flatMap(({ value }) => value.constant?.external?.location ?? [])),
];

/** Bytes that the initializers of all graphs take, a shared tensor once for each initializer. */
export const weightBytes = (model: Model): number =>
  [...initializersOf(model)].reduce((sum, { value }) => sum + sizeBytes(value.constant!), 0);
