/** Moves Transposes through the operators between them until as few elements as possible are transposed, and cancels those
 *  that undo each other, as models converted from TensorFlow have them around every convolution.
 *    Transpose(Transpose(x, p), q)   ⇒   Transpose(x, r),  r[i] = p[q[i]];  x itself when r is the identity
 *    Transpose(f(Transpose(x, p)), p⁻¹)   ⇒   f'(x),  f' with its axes, constants and settings in the other order
 *  Left alone: a model that would keep as many Transposes or get larger, and what has no known rank. How it decides, and
 *  what moves: src/model/layout. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { cloneModel } from '../src/model/ir/clone.ts';
import type { Model } from '../src/model/ir/model.ts';
import { sizeBytes } from '../src/model/ir/tensor.ts';
import { graphsOf, initializersOf, nodesOf } from '../src/model/ir/walk.ts';
import { propagateTransposes } from '../src/model/layout/propagate.ts';

/** Bytes that a file needs at least: constants, and the names of everything. */
function storedBytes(model: Model): number {
  let bytes = 0;
  for (const { value } of initializersOf(model)) bytes += sizeBytes(value.constant!) + value.name.length;
  for (const { opType, name, inputs, outputs } of nodesOf(model))
    for (const text of [opType, name, ...[...inputs, ...outputs].map((v) => v?.name ?? '')])
      bytes += lengthBytes + text.length;
  return bytes;
}

/** Tag and length of a text in protobuf. */
const lengthBytes = 2;

const hasTransposes = (model: Model) =>
  [...graphsOf(model)].some((graph) => graph.nodes.some((node) => node.opType === 'Transpose'));

export const collapseTransposes = definePass({
  name: 'collapse-transposes',
  summary: 'Moves transposes through operators to where they cancel, and drops those that move nothing',
  effect: 'exact',
  // Sums are added in another order where the axes of a reduction, or the rows of a matrix, change places.
  tolerance: 1e-5,
  describe: counted('transpose cancelled', 'transposes cancelled'),
  prominence: 30,
  options: z.strictObject({}),
  apply(model) {
    if (!hasTransposes(model)) return { changed: 0, skipped: [] };
    const trial = cloneModel(model);
    const { removed, left } = propagateTransposes(trial);
    const skipped = left
      .filter(({ reason }) => reason === 'rank-unknown')
      .map(({ at, reason }) => ({ at, reason }));
    if (removed <= 0) return { changed: 0, skipped };
    if (storedBytes(trial) > storedBytes(model))
      return { changed: 0, skipped: [...skipped, { at: model.graph.name, reason: 'grows-file' }] };
    propagateTransposes(model);
    return { changed: removed, skipped };
  },
});
