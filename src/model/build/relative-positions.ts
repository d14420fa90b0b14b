/** Relative positions as in T5: a learned number a head for each bucket of distances, added to attention's scores. */
import type { Value } from '../ir/model.ts';
import { tensorOf } from '../ir/tensor.ts';
import type { NetworkBuilder } from './builder.ts';
import { normal } from './initial.ts';

export interface RelativeOptions {
  readonly heads: number;
  /** 32 in T5. */
  readonly buckets: number;
  /** From here on all distances are one bucket; 128 in T5. */
  readonly maxDistance: number;
  /** true: keys after the query have buckets of their own (encoder); false: they share the one of distance 0. */
  readonly bidirectional: boolean;
  readonly std: number;
}

/** Buckets of the distances key − query from −maxDistance to maxDistance: near ones have one each, far ones share it
 *  on a logarithmic scale. @see Raffel et al. 2020, arXiv:1910.10683, 2.1 */
export function relativeBuckets(options: Omit<RelativeOptions, 'heads' | 'std'>): number[] {
  const { maxDistance, bidirectional } = options;
  const buckets = bidirectional ? options.buckets / 2 : options.buckets;
  const exact = Math.floor(buckets / 2);
  return Array.from({ length: 2 * maxDistance + 1 }, (_, i) => {
    const relative = i - maxDistance;
    const offset = bidirectional && relative > 0 ? buckets : 0;
    const distance = bidirectional ? Math.abs(relative) : Math.max(-relative, 0);
    if (distance < exact) return offset + distance;
    const scale = Math.log(distance / exact) / Math.log(maxDistance / exact);
    return offset + Math.min(exact + Math.floor(scale * (buckets - exact)), buckets - 1);
  });
}

/** Bias for the scores, [1, heads, queries, keys]; the weight is "<name>/weight" [buckets, heads].
 *  @param queries,keys  positions, int64 [queries] and [keys] */
export function relativeBias(
  b: NetworkBuilder,
  name: string,
  queries: Value,
  keys: Value,
  options: RelativeOptions,
): Value {
  const { heads, buckets, maxDistance, std } = options;
  b.check(
    buckets >= 4 && buckets % 4 === 0,
    `buckets must be a multiple of 4 from 4 on; ${options.buckets} came`,
  );
  b.check(maxDistance > buckets / 2, `maxDistance must be above buckets/2; ${maxDistance} came`);
  const at = b.at(name);
  const integer = (role: string, value: number) => at.constant(role, tensorOf('int64', [], [value]));
  const distance = at.op('Sub', [
    at.op('Unsqueeze', [keys, at.integers(0)]),
    at.op('Unsqueeze', [queries, at.integers(1)]),
  ]);
  const near = at.op('Min', [
    at.op('Max', [distance, integer('lowest', -maxDistance)]),
    integer('highest', maxDistance),
  ]);
  const table = at.constant('buckets', tensorOf('int64', [2 * maxDistance + 1], relativeBuckets(options)));
  const bucket = at.op('Gather', [table, at.op('Add', [near, integer('offset', maxDistance)])], { axis: 0 });
  const bias = at.op('Gather', [at.weight('weight', [buckets, heads], normal(std)), bucket], { axis: 0 });
  return at.op('Unsqueeze', [at.op('Transpose', [bias], { perm: [2, 0, 1] }), at.integers(0)]);
}
