/** Makes initializers that old models also list as inputs plain constants.
 *  Before IR version 4 every weight had to be an input too; nobody feeds them, but as long as a caller could, no pass may
 *  build on their values (UltraFace, opset 9, is such a model). The remaining inputs keep their order. */
import { z } from 'zod';
import { definePass } from '../src/compress/pipeline/pass.ts';
import { removeInput } from '../src/model/ir/edit.ts';

export const eliminateOverridableInputs = definePass({
  name: 'eliminate-overridable-inputs',
  summary: 'Makes weights that old models also list as inputs plain constants',
  effect: 'exact',
  describe: () => null,
  options: z.strictObject({}),
  apply(model) {
    const { graph } = model;
    const overridable = graph.inputs.filter((v) => v.constant !== null);
    for (const v of overridable) removeInput(graph, v);
    if (overridable.length > 0) model.irVersion = Math.max(model.irVersion, 4);
    return { changed: overridable.length, skipped: [] };
  },
});
