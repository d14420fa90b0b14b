/** What a model makes of pictures that were prepared in one way or another. */

import type { Session } from '../compute/engine/contract.ts';
import { readAll } from '../data/read-all.ts';
import type { DataSource } from '../data/source.ts';
import { asProbabilities } from '../judge/task/probabilities.ts';
import { float32Values } from '../model/ir/tensor.ts';
import { feedsFor } from './run-pair.ts';

/** Answers to some samples: how well they fit the labels, and how much they tell about which sample it is. */
export interface Look {
  readonly samples: number;
  readonly classes: number;
  /** How much is known of the labels; null without labels. */
  readonly labels: KnownLabels | null;
  /** Nats that the predicted class and the sample share: the entropy of the mean prediction less the mean entropy. Inputs of a wrong range
   *  make predictions alike, or unsure. @see Bridle et al., Unsupervised Classifiers, Mutual Information and Phantom Targets (1991) */
  readonly information: number;
  /** `information` as a share of the most that so many samples and classes allow. */
  readonly informed: number;
}

interface KnownLabels {
  /** Reciprocal rank of each sample's label: 1 where it has the largest score. */
  readonly ranks: readonly number[];
  /** Mean of `ranks`. */
  readonly rank: number;
  /** Share of samples whose label has the largest score. */
  readonly top1: number;
  /** Standard errors above what a random order of the classes gives. */
  readonly aboveChance: number;
}

/** @param output  the one that scores classes */
export async function look(
  session: Session,
  output: string,
  source: DataSource,
  indices: readonly number[],
): Promise<Look> {
  const ranks: number[] = [];
  const predictions: Float64Array[] = [];
  for await (const sample of readAll(source, indices)) {
    const scores = float32Values((await session.run(feedsFor(session, sample)))[output]!);
    predictions.push(asProbabilities(scores));
    if (typeof sample.label === 'number') ranks.push(reciprocalRank(scores, sample.label));
  }
  const samples = predictions.length;
  const classes = predictions[0]?.length ?? 0;
  const information = sharedNats(predictions);
  const most = Math.log(Math.min(classes, samples));
  return {
    ...{ samples, classes, information },
    labels: ranks.length > 0 ? known(ranks, classes) : null,
    informed: most > 0 ? information / most : 0,
  };
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

function known(ranks: readonly number[], classes: number): KnownLabels {
  const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const orders = Array.from({ length: classes }, (_, i) => 1 / (i + 1));
  const chance = average(orders);
  const deviation = Math.sqrt(average(orders.map((r) => (r - chance) ** 2)) / ranks.length);
  const rank = average(ranks);
  return {
    ...{ ranks, rank },
    top1: ranks.filter((r) => r === 1).length / ranks.length,
    aboveChance: classes > 1 ? (rank - chance) / deviation : 0,
  };
}

function sharedNats(predictions: readonly Float64Array[]): number {
  const n = predictions.length;
  const mean = new Float64Array(predictions[0]?.length ?? 0);
  for (const p of predictions) for (let i = 0; i < mean.length; i++) mean[i]! += p[i]! / n;
  const own = predictions.reduce((total, p) => total + entropy(p) / n, 0);
  return Math.max(0, entropy(mean) - own);
}

const entropy = (p: Float64Array) => p.reduce((total, v) => total - (v > 0 ? v * Math.log(v) : 0), 0);
