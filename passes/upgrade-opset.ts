/** Moves a model to a newer version of ai.onnx, so that all later passes meet one form of each operator.
 *  Arguments that were attributes become inputs (Squeeze, Unsqueeze, ReduceSum, Split 13; Clip, Pad 11; Slice, TopK 10; the
 *  other reductions 18), Softmax before 13 gets its flattening written out, Upsample becomes Resize, Scatter becomes
 *  ScatterElements; inputs that `axis` placed before 7 get axes of size 1. The tables are adaptations.ts and legacy.ts in
 *  src/model/rewrite/opset/.
 *  A model whose nodes a newer definition would refuse goes as far as they allow (src/model/rewrite/opset/limit.ts).
 *  A model that has no nodes of ai.onnx imports it.
 *  Left alone: models at or above the target; other domains. A node that can't be expressed is an error, and the model
 *  stays as it was. */
import { z } from 'zod';
import { filledByLeastOpset } from '../src/compress/pipeline/option-fields.ts';
import { definePass } from '../src/compress/pipeline/pass.ts';
import { cloneModel } from '../src/model/ir/clone.ts';
import { type Model, type Node, opset } from '../src/model/ir/model.ts';
import { nodesOf } from '../src/model/ir/walk.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { labelOf } from '../src/model/rewrite/apply.ts';
import { newestOpset } from '../src/model/rewrite/opset/history.ts';
import { oldestRunnable } from '../src/model/rewrite/opset/kernels.ts';
import { opsetLimit } from '../src/model/rewrite/opset/limit.ts';
import { upgradeModel } from '../src/model/rewrite/opset/upgrade.ts';

/** Every runtime of today knows it. */
const usual = 17;

const options = z.strictObject({
  target: filledByLeastOpset(z.number().int().min(oldestRunnable).max(newestOpset).default(usual), (least) =>
    least > usual ? least : undefined,
  ),
});

export const upgradeOpset = definePass({
  name: 'upgrade-opset',
  summary: 'Moves the model to a newer ONNX operator set',
  effect: 'exact',
  describe: (_, { opset: version, opsetBefore }) =>
    opsetBefore === 0 ? `opset ${version} of ai.onnx imported` : `upgraded to opset ${version}`,
  prominence: 90,
  // Resize and AveragePool kernels of two versions may round coordinates differently in the last place.
  tolerance: 1e-6,
  options,
  apply(model, { target: asked }) {
    const from = opset(model) || opset(model, 'ai.onnx');
    if (from === 0) return { changed: importDefault(model, asked), skipped: [] };
    if (from >= asked) return { changed: 0, skipped: [] };
    inferShapes(model);
    const limit = opsetLimit(model);
    const target = Math.min(asked, limit?.version ?? asked);
    const skipped = limit
      ? [{ at: labelOf(limit.node), reason: `upgrade-limited: to opset ${limit.version}, ${limit.reason}` }]
      : [];
    if (from >= target) return { changed: 0, skipped };
    // A rehearsal: an error must not leave the model half-way.
    upgradeModel(cloneModel(model), target);
    return { changed: upgradeModel(model, target) + 1, skipped };
  },
});

/** A model of other domains alone gets ai.onnx for what later passes put in. Nodes of ai.onnx without an import may be of any
 *  version: nothing is said for them. */
function importDefault(model: Model, version: number): number {
  const isDefault = ({ domain }: Node) => domain === '' || domain === 'ai.onnx';
  if ([...nodesOf(model)].some(isDefault)) return 0;
  model.opsets.set('', version);
  return 1;
}
