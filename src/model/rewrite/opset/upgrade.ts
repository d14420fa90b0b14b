/** Moves a model to a newer version of ai.onnx, one version at a time. */

import { upgradeUnsupported } from '../../../support/diagnostics/passes.ts';
import { own } from '../../../support/own.ts';
import { addInitializer } from '../../ir/edit.ts';
import type { Graph, Model, Node } from '../../ir/model.ts';
import { opKey } from '../../ir/model.ts';
import { withSubgraphs } from '../../ir/walk.ts';
import { labelOf } from '../apply.ts';
import { allowPlainInitializers } from '../plain-initializers.ts';
import { adaptations } from './adaptations.ts';
import type { Adapter } from './adapter.ts';
import { opsetHistory } from './history.ts';

/** Least IR version that goes with a version of ai.onnx (ONNX's release table). */
const irVersions: Readonly<Record<number, number>> = {
  8: 3,
  9: 4,
  10: 5,
  11: 6,
  12: 7,
  13: 7,
  14: 7,
  15: 8,
  16: 8,
  17: 8,
  18: 8,
  19: 9,
  20: 9,
  21: 10,
};

/** Adapts every node of the model and its functions to `target`. Values must have types where an old definition depends on
 *  them (infer shapes first). On an error the model is half-way: try it on a clone.
 *  @returns nodes adapted @throws UPGRADE_UNSUPPORTED naming operator and node */
export function upgradeModel(model: Model, target: number): number {
  const changed = upgradeMain(model, target);
  return model.functions.reduce((n, f) => n + upgradeGraph(f.graph, f.opsets, target), changed);
}

/** The same without the model's functions, which may be of another version. */
export function upgradeMain(model: Model, target: number): number {
  const changed = upgradeGraph(model.graph, model.opsets, target);
  allowPlainInitializers(model);
  model.irVersion = Math.max(model.irVersion, irVersions[target] ?? 0);
  return changed;
}

/** Adapts the nodes of one graph, subgraphs included, and its entry in `opsets`. */
export function upgradeGraph(graph: Graph, opsets: Map<string, number>, target: number): number {
  const domain = opsets.has('ai.onnx') ? 'ai.onnx' : '';
  const from = opsets.get(domain);
  if (from === undefined || from >= target) return 0;
  let changed = 0;
  for (let version = from + 1; version <= target; version++)
    for (const inner of [...withSubgraphs(graph)])
      for (const node of [...inner.nodes]) changed += adapt(node, version, from, target);
  opsets.set(domain, target);
  return changed;
}

function adapt(node: Node, version: number, from: number, target: number): number {
  const key = opKey(node);
  if (!own(opsetHistory, key)?.includes(version)) return 0;
  const adaptation = own(adaptations, key)?.[version];
  if (!adaptation) return 0;
  const adapter: Adapter = {
    constant: (n, what, tensor) =>
      addInitializer(n.graph, `${n.outputs[0]?.name ?? n.opType}/${what}`, tensor),
    unsupported: (n, reason) => upgradeUnsupported(n.opType, labelOf(n), from, target, reason),
  };
  adaptation(node, adapter);
  return 1;
}
