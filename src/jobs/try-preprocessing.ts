/** Where preprocessing would be a guess and there are labels, the model itself says which preset it was trained with. */
import type { Engine } from '../compute/engine/contract.ts';
import { openOn } from '../compute/engine/open-model.ts';
import { openData } from '../data/open.ts';
import { pictureInput } from '../data/picture-input.ts';
import { type DataOptions, type Prepared, type PrepareOptions, prepareData } from '../data/prepare-data.ts';
import { likelyPresets, type PresetName } from '../data/preprocess.ts';
import { readAll } from '../data/read-all.ts';
import type { OpenedModel, Runnable } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import { float32Values } from '../model/ir/tensor.ts';
import { withFittingLabels } from './fitting-labels.ts';
import { feedsFor, scoresOutput } from './run-pair.ts';

/** Samples that presets are tried on: at most, and at least. */
const most = 64;
const fewest = 16;

/** Data for a model; pictures are prepared as nobody said, but as the model knows their labels best by, if it surely
 *  knows them at all. Tried on samples that nothing is compared on.
 *  @throws what prepareData and engines throw */
export async function prepareDataFor(
  model: OpenedModel,
  ports: readonly Port[],
  given: DataOptions,
  options: PrepareOptions & {
    readonly engine: () => Promise<Engine>;
    readonly signal?: AbortSignal | undefined;
    /** Whether what is done can't do without labels. */
    readonly needsLabels?: boolean;
  },
): Promise<Prepared> {
  const asked =
    given.labels !== undefined || given.test?.labels !== undefined || options.needsLabels === true;
  const prepare = async (from: DataOptions) =>
    withFittingLabels(await prepareData(from, ports, options), model.model, asked);
  const prepared = await prepare(given);
  const { source } = prepared;
  const indices = trialIndices(prepared);
  const picture = ports.map((p) => pictureInput(p)).find((p) => p !== null);
  const presets = picture ? likelyPresets(picture) : [];
  if (!source.preprocessingGuessed || presets.length < 2 || indices.length < fewest) return prepared;
  const best = await bestPreset(presets, model, await options.engine(), indices, (preprocess) =>
    openData(given.path, ports, { ...given, preprocess, seed: options.seed }),
  );
  options.signal?.throwIfAborted();
  if (best === null) return prepared;
  const fitted = best === presets[0] ? prepared : await prepare({ ...given, preprocess: best });
  const note = `preprocessing "${best}", best of ${presets.length} presets on ${indices.length} labelled samples`;
  const tried = {
    ...fitted.source,
    preprocessingGuessed: true,
    preprocessingTriedOn: indices.length,
    guessed: [note, ...fitted.source.guessed.filter((g) => !g.startsWith('preprocessing "'))],
  };
  const { held } = fitted;
  return {
    ...fitted,
    source: tried,
    held: held.source === fitted.source ? { ...held, source: tried } : held,
  };
}

/** Labelled samples that nothing is compared on, evenly spread. */
function trialIndices({ source, calibration, held }: Prepared): readonly number[] {
  if (!source.labelled) return [];
  const taken = new Set(held.source === source ? held.indices : []);
  const all = calibration.length > 0 ? calibration : Array.from({ length: source.length }, (_, i) => i);
  const free = all.filter((i) => !taken.has(i));
  const count = Math.min(most, free.length);
  return Array.from({ length: count }, (_, k) => free[Math.floor((k * free.length) / count)]!);
}

/** @returns null where no preset makes the model know the labels surely better than chance does: they may be numbers of
 *  other classes than the model's */
async function bestPreset(
  presets: readonly PresetName[],
  model: Runnable,
  engine: Engine,
  indices: readonly number[],
  open: (preset: PresetName) => ReturnType<typeof openData>,
): Promise<PresetName | null> {
  const session = await openOn(engine, model);
  try {
    const output = scoresOutput(session.outputs);
    if (!output) return null;
    let best: { preset: PresetName; mean: number; sure: boolean } | null = null;
    for (const preset of presets) {
      const source = await open(preset);
      const ranks: number[] = [];
      let classes = 0;
      for await (const sample of readAll(source, indices)) {
        const scores = float32Values((await session.run(feedsFor(session, sample)))[output.name]!);
        classes = scores.length;
        if (sample.label !== undefined) ranks.push(reciprocalRank(scores, sample.label));
      }
      const found = { preset, ...meanAgainstChance(ranks, classes) };
      if (found.mean > (best?.mean ?? 0)) best = found;
    }
    return best?.sure ? best.preset : null;
  } finally {
    await session.close();
  }
}

/** 1 where the label's score is the largest, ½ where one is larger, and so on: tells presets apart on fewer samples than
 *  top-1 does. 0 for a label that has no score. */
function reciprocalRank(scores: ArrayLike<number>, label: number): number {
  const own = scores[label];
  if (own === undefined || Number.isNaN(own)) return 0;
  let before = 0;
  // Equals count before it: an answer that is the same for all classes knows nothing.
  for (let i = 0; i < scores.length; i++) if (i !== label && scores[i]! >= own) before++;
  return 1 / (before + 1);
}

/** Sure: three standard errors above what a random order of the classes gives. */
function meanAgainstChance(ranks: readonly number[], classes: number): { mean: number; sure: boolean } {
  const n = ranks.length;
  const mean = ranks.reduce((a, b) => a + b, 0) / n;
  const orders = Array.from({ length: classes }, (_, i) => 1 / (i + 1));
  const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / classes;
  const chance = average(orders);
  const deviation = Math.sqrt(average(orders.map((r) => (r - chance) ** 2)) / n);
  return { mean, sure: classes > 1 && mean > chance + 3 * deviation };
}
