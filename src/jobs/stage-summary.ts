/** What a stage did, in words for someone who never heard of its passes. */
import type { JournalPass } from '../compress/pipeline/run.ts';
import type { Layer } from '../judge/report/report.ts';

type Rule = (n: number, opset: number) => string | null;

const counted = (one: string, many: string) => (n: number) => `${n} ${n === 1 ? one : many}`;

/** In the order in which they are said, which puts first what a reader will look for in the result. Passes that only
 *  prepare the work of others (types of values, inputs of old models) are not said at all. */
const rules: Readonly<Record<string, Rule>> = {
  'upgrade-opset': (_, opset) => `upgraded to opset ${opset}`,
  'fuse-conv-batchnorm': counted('BatchNormalization folded', 'BatchNormalizations folded'),
  'fuse-conv-mul': counted('factor folded', 'factors folded'),
  'fuse-conv-add': counted('bias folded', 'biases folded'),
  'fuse-matmul-add': counted('MatMul and Add joined', 'MatMul and Add joined'),
  'fuse-pad': counted('padding folded', 'paddings folded'),
  'fold-constants': counted('constant computed', 'constants computed'),
  'eliminate-identities': counted('node that did nothing removed', 'nodes that did nothing removed'),
  'eliminate-common-subexpressions': counted('repeated node removed', 'repeated nodes removed'),
  'deduplicate-initializers': counted('repeated weight removed', 'repeated weights removed'),
  'collapse-reshapes': counted('reshape joined', 'reshapes joined'),
  'collapse-transposes': counted('transpose joined', 'transposes joined'),
  'eliminate-dead-nodes': counted('unused node removed', 'unused nodes removed'),
  'cluster-weights': counted('weight of shared values', 'weights of shared values'),
  'pack-sparse-weights': counted('weight stored without its zeros', 'weights stored without their zeros'),
  'eliminate-overridable-inputs': () => null,
  'infer-shapes': () => null,
  'strip-inner-types': () => null,
};

type LayerPrecision = Pick<Layer, 'opType' | 'precision' | 'weights'>;

export interface StageFacts {
  /** Version of the operator set after the stage. */
  readonly opset: number;
  /** Layers after the stage; they say what lossy passes did. */
  readonly layers: readonly LayerPrecision[];
}

/** "upgraded to opset 17 · 19 BatchNormalizations folded"; "nothing to do" when no pass changed anything.
 *  A pass that stands in a stage twice is counted once, with its sum. */
export function stageSummary(
  passes: readonly Pick<JournalPass, 'name' | 'effect' | 'changed'>[],
  facts: StageFacts,
): string {
  const changed = new Map<string, number>();
  for (const { name, changed: n } of passes) if (n > 0) changed.set(name, (changed.get(name) ?? 0) + n);
  const known = Object.entries(rules).flatMap(([name, say]) => {
    const n = changed.get(name);
    return n === undefined ? [] : (say(n, facts.opset) ?? []);
  });
  const lossy = passes.some((p) => p.effect === 'lossy' && p.changed > 0 && !Object.hasOwn(rules, p.name));
  const others = passes.filter((p) => p.effect !== 'lossy' && !Object.hasOwn(rules, p.name));
  const rest = [...new Set(others.map((p) => p.name))].flatMap((name) => {
    const n = changed.get(name);
    return n === undefined ? [] : `${name.replaceAll('-', ' ')} ${n}`;
  });
  const all = [...(lossy ? [precisionSummary(facts.layers)] : []), ...known, ...rest].filter((s) => s !== '');
  return all.join(' · ') || 'nothing to do';
}

const precisionWords: Readonly<Record<Layer['precision'], string>> = {
  int8: 'in int8',
  'int8-dynamic': 'in int8, ranges at run time',
  'int8-weights': 'with weights in int8',
  q4: 'in 4 bits',
  float16: 'in float16',
  float: 'left in float',
};

function wordsFor({ precision, weights }: LayerPrecision): string {
  if (weights === undefined) return precisionWords[precision];
  const stored = `with weights in ${weights}`;
  return precision === 'int8-weights' ? stored : `${precisionWords[precision]} ${stored}`;
}

/** "35 Conv, 1 Gemm in int8 · 17 Conv with weights in int8 · 2 MatMul left in float" */
export function precisionSummary(layers: readonly LayerPrecision[]): string {
  const order = Object.keys(precisionWords);
  const sorted = [...layers].sort((a, b) => order.indexOf(a.precision) - order.indexOf(b.precision));
  const groups = new Map<string, Map<string, number>>();
  for (const layer of sorted) {
    const words = wordsFor(layer);
    const counts = groups.get(words) ?? new Map<string, number>();
    groups.set(words, counts.set(layer.opType, (counts.get(layer.opType) ?? 0) + 1));
  }
  return [...groups]
    .map(([words, counts]) => `${[...counts].map(([op, n]) => `${n} ${op}`).join(', ')} ${words}`)
    .join(' · ');
}
