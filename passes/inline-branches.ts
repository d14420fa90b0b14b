/** Puts the branch of an If in its place where it is known beforehand which one is taken, so that constants, Transposes and
 *  fusions go through it.
 *    y = If(c) { then: p = f(x), else: … },  c = true   ⇒   y = f(x)
 *  A condition is known when it is a constant, or follows from sizes ("is the last axis 1?", as exporters ask before a
 *  Squeeze). Branches in branches are taken out too. Left alone: conditions that are computed from inputs, or from weights
 *  that a caller may override.
 *  Source: ONNX If-16. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { inlineKnownBranches } from '../src/model/rewrite/known-branches.ts';

export const inlineBranches = definePass({
  name: 'inline-branches',
  summary: 'Puts branches that are always taken in the place of their If',
  effect: 'exact',
  describe: counted('branch that is always taken written out', 'branches that are always taken written out'),
  prominence: 45,
  options: z.strictObject({}),
  apply: (model) => ({ changed: inlineKnownBranches(model), skipped: [] }),
});
