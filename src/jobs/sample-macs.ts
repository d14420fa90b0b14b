/** What one run of a model on a sample computes. */
import type { Sample } from '../data/source.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { portsOf } from '../model/ir/port.ts';
import { modelMacs } from '../model/ops/cost.ts';
import { inferShapes } from '../model/ops/shapes.ts';
import { Diagnostic } from '../support/diagnostics.ts';

/** Multiply–accumulates, open sizes being those of the sample; 0 where shapes don't allow to count. */
export function macsOn(model: Model, inputs: Sample['inputs']): number {
  const sizes = portsOf(model).flatMap(({ name, shape }) =>
    (shape ?? []).flatMap((d, axis) =>
      typeof d === 'string' ? [[d, inputs[name]?.dims[axis] ?? 1] as const] : [],
    ),
  );
  try {
    const typed = cloneModel(model);
    inferShapes(typed);
    return modelMacs(typed, Object.fromEntries(sizes)).macs;
  } catch (error) {
    if (error instanceof Diagnostic) return 0;
    throw error;
  }
}
