/** Moves trained weights from one graph to another that calls them the same: from the graph that was trained to the one
 *  with a cache, from a joint encoder–decoder to its halves. */

import { weightsMismatch, weightsMissing } from '../../support/diagnostics/build.ts';
import { nearest } from '../../support/diagnostics.ts';
import { setConstant } from '../ir/edit.ts';
import { dtypeOf, type Model, shapeOf, type Value } from '../ir/model.ts';
import { formatShape } from '../ir/type.ts';

export interface CopiedWeights {
  readonly copied: readonly string[];
  /** Weights of `to` that `from` has not; empty unless `partial`. */
  readonly missing: readonly string[];
  /** Weights of `from` that `to` has no place for. */
  readonly unused: readonly string[];
}

/** Gives every floating-point initializer of `to` the tensor of the initializer of the same name in `from`.
 *  Tensors are shared, not copied. Nothing is changed when it throws.
 *  @param options.partial  weights that `from` has not stay as they are
 *  @throws WEIGHTS_MISSING · WEIGHTS_MISMATCH when shape or element type differ */
export function copyWeights(from: Model, to: Model, options: { partial?: boolean } = {}): CopiedWeights {
  const given = floatWeights(from);
  const wanted = floatWeights(to);
  const missing = [...wanted.keys()].filter((name) => !given.has(name));
  if (missing.length > 0 && !options.partial)
    throw weightsMissing(missing, wanted.size, nearest(missing[0]!, [...given.keys()]));
  const pairs = [...wanted].flatMap(([name, target]) => {
    const source = given.get(name);
    return source ? [{ name, target, source }] : [];
  });
  for (const { name, target, source } of pairs)
    if (describe(target) !== describe(source))
      throw weightsMismatch(name, describe(target), describe(source));
  for (const { target, source } of pairs) setConstant(target, source.constant!);
  return {
    copied: pairs.map(({ name }) => name),
    missing,
    unused: [...given.keys()].filter((name) => !wanted.has(name)),
  };
}

/** The main graph's floating-point initializers by name: of a network built here, exactly its weights. */
function floatWeights(model: Model): Map<string, Value> {
  const all = [...model.graph.initializers].filter((v) => dtypeOf(v)?.includes('float'));
  return new Map(all.map((v) => [v.name, v]));
}

const describe = (v: Value) => `${dtypeOf(v)} ${formatShape(shapeOf(v))}`;
