/** Removes whole residual blocks (transformer layers, ResNet blocks): what read the stream after a block reads it before.
 *    y = x + f(x)  ⇒  y = x
 *  `keep` blocks stay, spread evenly, the first and the last among them; or `remove` names blocks by their place.
 *  Left alone: blocks that change the shape of the stream, one whose end is an output of the model.
 *  Source: Fan et al. 2020, arXiv:1909.11556 (every other layer). */

import { z } from 'zod';
import { definePass } from '../src/compress/pipeline/pass.ts';
import { chooseBlocks, findBlocks, removeBlocks } from '../src/compress/prune/blocks.ts';
import type { Model } from '../src/model/ir/model.ts';
import { defineNote } from '../src/model/ir/note.ts';
import { pruneTargetMissing } from '../src/support/diagnostics/pruning.ts';

const options = z.strictObject({
  keep: z.number().int().min(0).optional(),
  remove: z.array(z.number().int().min(0)).optional(),
});

type Options = z.infer<typeof options>;

/** Places of the blocks that went, in the model as it was given. */
const removedBlocks = defineNote<Model, readonly number[]>('removed blocks');

export const pruneBlocks = definePass<Options>({
  name: 'prune-blocks',
  summary: 'Removes whole residual blocks: keeps some of the layers of a deep network',
  effect: 'lossy',
  options,

  requires(_, o) {
    if (o.keep === undefined && o.remove === undefined) throw pruneTargetMissing();
  },

  apply(model, o) {
    // Places count in the model as it was given: a second run has nothing left to do.
    if (removedBlocks.has(model)) return { changed: 0, skipped: [] };
    const blocks = findBlocks(model);
    const gone = o.remove ?? chooseBlocks(blocks, o.keep!);
    removeBlocks(model, gone);
    if (gone.length > 0) removedBlocks.set(model, gone);
    return { changed: gone.length, skipped: [] };
  },
});
