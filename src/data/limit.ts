/** Which samples are taken where fewer than all are wanted. */
import { createRandom } from '../support/random.ts';

/** All of `count`, or `limit` of them: one drawn from each of as many equal stretches, so that the whole is covered. */
export function chooseSome(
  count: number,
  { limit, seed }: { readonly limit?: number | undefined; readonly seed: number },
): readonly number[] {
  if (limit === undefined || limit >= count) return Array.from({ length: count }, (_, i) => i);
  const random = createRandom(seed);
  return Array.from({ length: limit }, (_, k) => {
    const from = Math.floor((k * count) / limit);
    const to = Math.floor(((k + 1) * count) / limit);
    return from + random.integer(to - from);
  });
}
