/** Which kinds of products compute in int8 for this model on this machine: the target's table says what to begin with, and kinds are
 *  turned round one at a time, measured by turns on the whole model, and left so where it got faster. */
import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { z } from 'zod';
import { compressModel } from '../compress/compress.ts';
import { dividedAt, passOptions, type Recipe, withPassOptions } from '../compress/pipeline/recipe.ts';
import { targetFacts } from '../compress/quant/integer-kernels.ts';
import { isChoice, kernelKind, productsAnOutput } from '../compress/quant/kernel-kinds.ts';
import { formObstacle, productObstacle } from '../compress/quant/plan.ts';
import { observe } from '../compute/calibrate/observe.ts';
import type { StatisticRequest, Statistics } from '../compute/calibrate/statistics.ts';
import type { Engine } from '../compute/engine/contract.ts';
import { latencyRatio } from '../compute/engine/latency-ratio.ts';
import { engineOfTarget, openEngine } from '../compute/engine/open.ts';
import type { Prepared } from '../data/prepare-data.ts';
import { slowerSummary } from '../judge/report/stage-summary.ts';
import { type Model, shapeOf } from '../model/ir/model.ts';
import type { Tensor } from '../model/ir/tensor.ts';
import { nodesOf } from '../model/ir/walk.ts';
import { integerProduct } from '../model/ops/quantization.ts';
import { cacheFolder, openJsonStore } from '../support/json-store.ts';
import { formatTimes } from '../support/units.ts';
import type { CompressFileOptions } from './compress-file-options.ts';
import { step } from './progress.ts';

const pass = 'quantize-static';
/** Ranges for timing: what they are changes little of it. */
const rangeSamples = 4;
/** Of all kinds together, and of one. */
const mostMs = 8000;
const eachMs = 700;
/** One run that takes longer makes too few pairs in that time. */
const mostRunMs = 250;
/** A kind is turned round for this much at least. */
const worthwhile = 0.97;
/** Computing in int8 that takes so many times as long as in floats is given up, where nobody said how int8 is meant. */
const tooSlow = 1.1;

type Faster = Readonly<Record<string, boolean>>;

interface Choice {
  readonly kind: string;
  /** What the table says of some of them, and of the others. */
  readonly turns: readonly boolean[];
  readonly macs: number;
}

export interface MeasuredKernels {
  /** With what was found in the recipe; as they were where nothing is measured or found. */
  readonly options: CompressFileOptions;
  /** Where int8 was given up for it: its time as a multiple of what floats take. */
  readonly slower: number | null;
}

/** @param start  the model that the recipe will run on */
export async function withMeasuredKernels(
  options: CompressFileOptions,
  start: Model,
  prepared: Prepared | null,
): Promise<MeasuredKernels> {
  const { plan, events, signal, opened } = options;
  const { recipe } = plan;
  const parts = dividedAt(recipe, pass);
  const given = passOptions(recipe, pass);
  const isGiven = given?.['everywhere'] === true || given?.['faster'] !== undefined;
  const mayMeasure = measurable.has(recipe.target) && plan.request.measure && opened.format.runnable;
  if (!parts || !given || isGiven || !mayMeasure || !prepared?.calibration.length)
    return { options, slower: null };
  const { before, rest } = parts;
  const found = await step(
    events,
    'choose',
    async () => {
      const engine = await openEngine(engineOfTarget(recipe.target));
      const clean = before ? (await compressModel(start, { recipe: before, engine, signal })).model : start;
      const choices = choicesOf(clean, recipe.target);
      const key = keyOf(clean, [`${engine.name} ${engine.version}`, recipe.target, given]);
      const store = options.cache && openJsonStore(cacheFolder('kernels'), foundSchema);
      const known = store?.get(key);
      // What a busy machine had no time for is measured again.
      if (known && known.tried === known.kinds) return { ...known, cached: true };
      const bench = await openBench(clean, rest, prepared, { engine, signal });
      const made = await turned(bench, choices, { events, signal });
      store?.put(key, made);
      return { ...made, cached: false };
    },
    (made) => describe(made, plan.safer !== null),
  );
  if (plan.safer && isTooSlow(found))
    return {
      options: { ...options, plan: { ...plan, recipe: plan.safer, safer: null } },
      slower: found.ofFloat,
    };
  return {
    options: { ...options, plan: { ...plan, recipe: withFaster(recipe, found.faster) } },
    slower: null,
  };
}

/** Targets whose runtime is here. */
const measurable: ReadonlySet<Recipe['target']> = new Set(['wasm', 'node']);

const isTooSlow = ({ ofFloat }: Found) => ofFloat !== null && ofFloat > tooSlow;

const foundSchema = z.object({
  faster: z.record(z.string(), z.boolean()),
  /** Time of the model with them as a share of that without. */
  ratio: z.number(),
  /** The same as a multiple of the time of the model in floats; null where a run takes too long to tell. */
  ofFloat: z.number().nullable(),
  tried: z.number(),
  kinds: z.number(),
});

type Found = z.infer<typeof foundSchema>;

/** The same products on the same processor and runtime take the same time.
 *  @param how  runtime, target, and options of the pass that decides what else becomes integers */
function keyOf(model: Model, how: readonly unknown[]): string {
  const products = [...nodesOf(model)].map((node) => [
    node.opType,
    ...node.inputs.map((v) => v && shapeOf(v)),
    ...[...node.attributes].map(([name, a]) => [name, 'value' in a ? String(a.value) : '']),
  ]);
  return createHash('sha256')
    .update(JSON.stringify([how, cpus()[0]?.model, products, 3]))
    .digest('hex');
}

function describe(made: Found & { readonly cached: boolean }, mayGiveUp: boolean): string {
  const said = kindsFound(made);
  return mayGiveUp && isTooSlow(made) ? slowerSummary(made.ofFloat!) : said;
}

function kindsFound({ faster, ratio, tried, kinds, cached }: Found & { readonly cached: boolean }): string {
  const found = Object.entries(faster).map(([kind, int8]) => `${kind} in ${int8 ? 'int8' : 'float'}`);
  const measured = `${tried} of ${kinds} kinds of products measured${cached ? ' before' : ''}`;
  return found.length === 0
    ? `${measured}: each computes in what is usual on this runtime`
    : `${measured}: ${found.join(', ')}, ${formatTimes(1 / ratio)} times as fast`;
}

interface Bench {
  /** Time of the model with the second choice as a share of that with the first; null where a run takes too long to tell. */
  compare(a: Faster, b: Faster): Promise<number | null>;
  /** Time of the model as a multiple of what it takes in floats; null as above. */
  ofFloat(faster: Faster): Promise<number | null>;
}

async function openBench(
  clean: Model,
  recipe: Recipe,
  { source, calibration }: Prepared,
  { engine, signal }: { readonly engine: Engine; readonly signal: CompressFileOptions['signal'] },
): Promise<Bench> {
  const samples = { count: Math.min(rangeSamples, calibration.length), read: readSample };
  function readSample(i: number) {
    return source.read(calibration[i]!);
  }
  const made = async (options: object, calibrate: Calibrate) =>
    (
      await compressModel(clean, {
        ...{ engine, signal, calibrate },
        recipe: withPassOptions(recipe, [pass], () => ({ ...options, ranges: 'minmax' })),
      })
    ).model;
  let statistics: Statistics | undefined;
  // Of all activations that any choice asks for.
  await made({ everywhere: true }, async (model, requests) => {
    statistics = await observe(engine, model, requests, samples, { signal });
    return statistics;
  });
  const { inputs } = await readSample(0);
  const models = new Map<string, Promise<Model>>();
  const modelOf = (faster: Faster): Promise<Model> => {
    const key = JSON.stringify(faster);
    const model = models.get(key) ?? made({ faster }, async () => statistics!);
    models.set(key, model);
    return model;
  };
  const fast = await isFast(engine, clean, inputs);
  return {
    async compare(a, b) {
      if (!fast) return null;
      const [before, after] = [await modelOf(a), await modelOf(b)];
      return latencyRatio(engine, before, after, { signal, feeds: inputs, ms: eachMs });
    },
    async ofFloat(faster) {
      if (!fast) return null;
      return latencyRatio(engine, clean, await modelOf(faster), { signal, feeds: inputs, ms: eachMs });
    },
  };
}

type Calibrate = (model: Model, requests: readonly StatisticRequest[]) => Promise<Statistics>;

async function isFast(engine: Engine, model: Model, feeds: Readonly<Record<string, Tensor>>) {
  const { openKernel } = await import('../compute/engine/kernel.ts');
  const session = await openKernel(engine, model, { threads: 1 });
  try {
    await session.run(feeds);
    const started = performance.now();
    await session.run(feeds);
    return performance.now() - started < mostRunMs;
  } finally {
    await session.close();
  }
}

/** Turns kinds round, those that compute most first, until time is up. */
async function turned(
  bench: Bench,
  choices: readonly Choice[],
  { events, signal }: Pick<CompressFileOptions, 'events' | 'signal'>,
): Promise<Found> {
  let faster: Faster = {};
  let tried = 0;
  const kinds = choices.length;
  const end = performance.now() + mostMs;
  for (const { kind, turns } of choices) {
    signal?.throwIfAborted();
    if (performance.now() > end) break;
    for (const turn of turns) {
      const next = { ...faster, [kind]: turn };
      const share = await bench.compare(faster, next);
      if (share === null) return { faster: {}, ratio: 1, ofFloat: null, tried, kinds };
      if (share < worthwhile) faster = next;
    }
    tried++;
    events.progress?.('choose', tried, kinds);
  }
  // All of them together, against the table.
  const together = Object.keys(faster).length > 0 ? ((await bench.compare({}, faster)) ?? 1) : 1;
  const [kept, ratio] = together < worthwhile ? [faster, together] : [{}, 1];
  return { faster: kept, ratio, ofFloat: await bench.ofFloat(kept), tried, kinds };
}

function choicesOf(model: Model, target: Recipe['target']): Choice[] {
  const { advice } = targetFacts[target].kernels;
  const kinds = new Map<string, { says: Set<boolean>; macs: number }>();
  for (const node of nodesOf(model)) {
    const product = isChoice(node) ? integerProduct(node) : null;
    const kind = product && kernelKind(node);
    if (!product || !kind || productObstacle(product) || formObstacle(product)) continue;
    const known = kinds.get(kind) ?? { says: new Set(), macs: 0 };
    known.says.add(advice(node) === null);
    const outputs = (shapeOf(node.outputs[0]) ?? []).reduce<number>(
      (n, d) => n * (typeof d === 'number' ? d : 1),
      1,
    );
    kinds.set(kind, { ...known, macs: known.macs + outputs * productsAnOutput(product) });
  }
  return [...kinds]
    .map(([kind, { says, macs }]) => ({ kind, macs, turns: [...says].map((said) => !said) }))
    .sort((a, b) => Number(isPlain(a.kind)) - Number(isPlain(b.kind)) || b.macs - a.macs);
}

/** Far from where either is faster: tried last, when there is time left. */
const isPlain = (kind: string): boolean => kind.includes('128+') || kind.includes('depthwise');

const withFaster = (recipe: Recipe, faster: Faster): Recipe =>
  Object.keys(faster).length > 0 ? withPassOptions(recipe, [pass], () => ({ faster })) : recipe;
