/** Fills in the type of every value: element type and shape, symbolic sizes included (src/model/ops/shapes.ts).
 *  Changes no computation. A node whose result stays unknown is a skip with the reason. */
import { z } from 'zod';
import { definePass } from '../src/compress/pipeline/pass.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';

export const inferShapesPass = definePass({
  name: 'infer-shapes',
  summary: 'Fills in the type and shape of every value',
  effect: 'analysis',
  options: z.strictObject({}),
  apply(model) {
    const { inferred, missing } = inferShapes(model);
    const skipped = missing.map((m) => ({ at: m.node, reason: `shape-unknown: ${m.op}, ${m.reason}` }));
    return { changed: inferred, skipped };
  },
});
