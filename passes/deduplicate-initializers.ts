/** Keeps one of several initializers with the same type, shape and bytes.
 *  Inner graphs share with the graphs around them. Left alone: initializers that a caller may override, those that are
 *  graph outputs, and string tensors. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { subgraphs } from '../src/model/ir/attribute.ts';
import { removeInitializer, replaceAllUses } from '../src/model/ir/edit.ts';
import { constantOf, type Graph, isGraphOutput, type Value } from '../src/model/ir/model.ts';
import { sizeBytes } from '../src/model/ir/tensor.ts';
import { initializersOf } from '../src/model/ir/walk.ts';
import { sameBytes, shortHash } from '../src/model/rewrite/content.ts';

export const deduplicateInitializers = definePass({
  name: 'deduplicate-initializers',
  summary: 'Keeps one of several weights with the same content',
  effect: 'exact',
  describe: counted('repeated weight removed', 'repeated weights removed'),
  prominence: 33,
  options: z.strictObject({}),
  apply(model) {
    // Bytes are read only where another tensor has the same type and shape: weights may lie in files.
    const alike = new Map<string, number>();
    for (const { value } of initializersOf(model))
      alike.set(typeKey(value), (alike.get(typeKey(value)) ?? 0) + 1);
    return { changed: mergeIn(model.graph, new Map(), alike), skipped: [] };
  },
});

function mergeIn(
  graph: Graph,
  outer: ReadonlyMap<string, Value[]>,
  alike: ReadonlyMap<string, number>,
): number {
  const visible = new Map([...outer].map(([key, values]) => [key, [...values]]));
  let changed = 0;
  for (const value of [...graph.initializers]) {
    if (!constantOf(value) || value.constant?.strings || alike.get(typeKey(value)) === 1) continue;
    const key = `${typeKey(value)} ${shortHash(value.constant!)}`;
    const twins = visible.get(key) ?? [];
    const twin = twins.find((t) => sameBytes(t.constant!, value.constant!));
    if (!twin) visible.set(key, [...twins, value]);
    else if (!isGraphOutput(value)) {
      replaceAllUses(value, twin);
      removeInitializer(graph, value);
      changed++;
    }
  }
  for (const node of graph.nodes) for (const sub of subgraphs(node)) changed += mergeIn(sub, visible, alike);
  return changed;
}

const typeKey = (v: Value) => `${v.constant!.dtype}[${v.constant!.dims.join(',')}] ${sizeBytes(v.constant!)}`;
