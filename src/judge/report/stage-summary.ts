/** What a stage did, in words for someone who never heard of its passes. */
import type { JournalPass, JournalStage } from '../../compress/pipeline/run.ts';
import type { Trial } from '../../compress/pipeline/trial.ts';
import { counted, formatPercent, formatTimes } from '../../support/units.ts';
import { formatMeasure } from './measure-words.ts';
import type { Layer, Report } from './report.ts';

type LayerPrecision = Pick<Layer, 'opType' | 'precision' | 'weights'>;

export type StageRecord = Pick<JournalStage, 'said'> &
  Partial<Pick<JournalStage, 'trials'>> & {
    readonly passes: readonly Pick<JournalPass, 'name' | 'effect' | 'changed'>[];
  };

/** "upgraded to opset 17 · 19 BatchNormalizations folded"; "nothing to do" when no pass changed anything. Passes say it
 *  themselves; of lossy ones that don't, the layers tell.
 *  @param layers  after the stage */
export function stageSummary(
  { passes, said, trials = [] }: StageRecord,
  layers: readonly LayerPrecision[],
): string {
  const described = new Set(said.map((s) => s.pass));
  const lossy = passes.some((p) => p.effect === 'lossy' && p.changed > 0 && !described.has(p.name));
  const parts = [
    ...(lossy ? [precisionSummary(layers)] : []),
    ...said.map((s) => s.text),
    ...trials.map(trialSummary),
  ];
  return parts.filter((part) => part !== '').join(' · ') || 'nothing to do';
}

/** "minmax: outputs at 29.3 dB (mse 26.6, absolute 27.7, average 28.0)" */
export function trialSummary({ taken, candidates }: Pick<Trial, 'taken' | 'candidates'>): string {
  const shown = (db: number | null | undefined) => db?.toFixed(1) ?? 'not finite';
  const best = candidates.find((c) => c.name === taken);
  const others = candidates.filter((c) => c !== best).map((c) => `${c.name} ${shown(c.sqnrDb)}`);
  return `${taken}: outputs at ${shown(best?.sqnrDb)} dB (${others.join(', ')})`;
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

/** "9 of 53 layers compute in float again: with all in int8, same top-1 is 4.0 % worse on samples that nothing is compared on" */
export const restoredSummary = ({
  measure,
  points,
  groups,
}: NonNullable<Report['precision']['restored']>): string => {
  const count = (of: typeof groups) => of.reduce((sum, { layers }) => sum + layers.length, 0);
  const restored = count(groups.filter((g) => g.restored));
  if (restored === count(groups))
    return `${measure} is ${formatPercent(points / 100)} worse in int8, on samples that nothing is compared on, and no part of the layers in float mends it`;
  return `${restored} of ${counted(count(groups), 'layer')} ${restored === 1 ? 'computes' : 'compute'} in float again: with all in int8, ${measure} is ${formatPercent(points / 100)} worse on samples that nothing is compared on`;
};

/** "computed in float: in int8 it takes 1.35 times as long on this machine" */
export const slowerSummary = (slower: number): string =>
  `computed in float: in int8 it takes ${formatTimes(slower)} times as long on this machine`;

/** "computed in float: in int8, with ranges found while running, perplexity is 67 % worse" */
export const insteadSummary = ({
  mode,
  measure,
  points,
  is,
  samples,
}: NonNullable<Report['precision']['instead']>): string => {
  const [how, on] =
    mode === 'dynamic' ? ['ranges found while running', 'probe'] : ['calibrated ranges', 'sample'];
  const lost = is ? `only ${formatMeasure(is)}` : `${formatPercent((points ?? 0) / 100)} worse`;
  return `computed in float: in int8, with ${how}, ${measure} is ${lost} (${counted(samples, on!)})`;
};
