import { cloneModel } from '../../model/ir/clone.ts';
import { setConstant } from '../../model/ir/edit.ts';
import type { Model } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { own } from '../../support/own.ts';

/** A copy of the model with these initialisers exchanged, by name. */
export function withWeights(model: Model, weights: Readonly<Record<string, Tensor>>): Model {
  const copy = cloneModel(model);
  for (const v of copy.graph.initializers) {
    const trained = own(weights, v.name);
    if (trained) setConstant(v, trained);
  }
  return copy;
}
