/** Models older than the kernels of today's runtimes. onnxruntime registers an operator from the definition on that opset 7 has,
 *  so a node whose operator was defined anew since its model's opset, up to 7, has none. */
import { own } from '../../../support/own.ts';
import { cloneModel } from '../../ir/clone.ts';
import { type Model, opKey, opset } from '../../ir/model.ts';
import { graphsOf } from '../../ir/walk.ts';
import { inferShapes } from '../../ops/shapes.ts';
import { opsetHistory } from './history.ts';
import { upgradeModel } from './upgrade.ts';

/** The oldest opset that runtimes have all kernels of. */
export const oldestRunnable = 7;

export function isOlderThanKernels(model: Model): boolean {
  const from = opset(model);
  if (from === 0 || from >= oldestRunnable) return false;
  const redefined = (key: string) =>
    (own(opsetHistory, key) ?? []).some((version) => version > from && version <= oldestRunnable);
  return [...graphsOf(model)].some((graph) => graph.nodes.some((node) => redefined(opKey(node))));
}

/** A copy that runtimes have kernels for. @throws UPGRADE_UNSUPPORTED, FUNCTION_… */
export function withKernels(model: Model): Model {
  const copy = cloneModel(model);
  inferShapes(copy);
  upgradeModel(copy, oldestRunnable);
  return copy;
}
