/** Scales the channels between two layers so that one scale for all of them loses less.
 *    f(W₂·f(W₁·x + b₁)) with W₁' = W₁/s, b₁' = b₁/s, W₂' = W₂·s by channel,  s = √(r₁/r₂) limited to 1/1024 … 1024
 *  r₂: the largest weight that reads the channel; r₁: the largest weight that makes it ('weights'), or the largest activation that was seen of
 *  it ('activations'). Conv and Gemm, depthwise ones as well, with Relu, LeakyRelu, pools, Flatten or nothing in between; a Clip from 0
 *  to a bound only in channels that stayed below it on samples that calibrate, and so that they do. Channels that are 0 keep their scale.
 *  One scale a weight gains most by it; with one a channel, there is little to gain.
 *  Left alone: results that others read too, weights that are shared, other operators in between.
 *  Source: Nagel et al. 2019, Data-Free Quantization through Weight Equalization and Bias Correction, arXiv:1906.04721, §4.1;
 *  with activations, Xiao et al. 2023, SmoothQuant, arXiv:2211.10438, eq. 4 with α = ½. */
import { z } from 'zod';
import { counted, definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { type LayerPair, layerPairs, weightChannels } from '../src/compress/quant/layer-pairs.ts';
import type { PeakRequest, Statistics } from '../src/compute/calibrate/statistics.ts';
import { addInitializer, setInput } from '../src/model/ir/edit.ts';
import { constantOf, type Node, shapeOf } from '../src/model/ir/model.ts';
import { defineNote } from '../src/model/ir/note.ts';
import { float32Values, tensorOf } from '../src/model/ir/tensor.ts';

/** A bound counts as reached from this share of it on: others may be a little larger than what was seen. */
const nearBound = 0.9;
const mostScale = 1024;
/** Scales of neighbouring pairs depend on each other. */
const mostRounds = 20;

const equalized = defineNote<Node, true>('channels equalized');

const options = z.strictObject({
  by: z.enum(['weights', 'activations']).default('weights'),
  /** Kept only where outputs after the next stage are nearer by it. */
  tried: z.boolean().default(true),
});

type Options = z.infer<typeof options>;

export const equalizeLayers = definePass<Options>({
  name: 'equalize-layers',
  summary: 'Scales channels between layers so that integers fit all of them; kept where outputs get nearer',
  effect: 'exact',
  // Scaled sums are rounded elsewhere; relative to outputs of order 1 to 10.
  tolerance: 1e-4,
  describe: counted('pair of layers equalized', 'pairs of layers equalized'),
  options,

  needs: () => ({ calibration: true }),
  prepares: (o) => o.tried,

  // The name of the only one.
  ways: (o) => ({ [o.by]: o }),

  observe: (model) =>
    layerPairs(model).pairs.flatMap(({ between, bounds, channels }) =>
      [between, ...bounds.map(({ value }) => value)].flatMap((v): PeakRequest[] => {
        const dims = shapeOf(v);
        return dims && dims[1] === channels
          ? [{ kind: 'peaks', value: v.name, channels, axis: 1, rank: dims.length }]
          : [];
      }),
    ),

  apply(model, { by }, { statistics }) {
    const { pairs, left } = layerPairs(model);
    const fresh = pairs.filter(({ first }) => !equalized.has(first));
    const skipped: Skip[] = left.map(({ node, reason }) => ({ at: nameOf(node), reason }));
    const scaled = fresh.flatMap((pair) => {
      const most = mostPeaks(pair, statistics, by === 'weights');
      if (typeof most !== 'string') return [openPair(pair, most)];
      skipped.push({ at: nameOf(pair.first), reason: most });
      return [];
    });
    const weights = weightsOf(scaled);
    for (let round = 0; round < mostRounds; round++)
      if (scaled.map((s) => rescale(s, weights)).every((change) => change < 1e-3)) break;
    const changed = scaled.filter(({ total }) => total.some((s) => s !== 1));
    for (const { pair, total } of changed) {
      equalized.set(pair.first, true);
      divideBias(pair.first, total);
    }
    for (const [node, values] of weights) {
      if (!changed.some(({ pair }) => pair.first === node || pair.second === node)) continue;
      const value = node.inputs[1]!;
      const tensor = tensorOf('float32', constantOf(value)!.dims, values);
      setInput(node, 1, addInitializer(node.graph, `${value.name}/equalized`, tensor));
    }
    return { changed: changed.length, skipped };
  },
});

const nameOf = (node: Node): string => node.name || node.outputs[0]!.name;

interface Peaks {
  /** Of the value between, [channels]; null: weights are looked at instead. */
  readonly peaks: Float32Array | null;
  /** The least that the scale of a channel may be; 1 is the only one where `fixed`. */
  readonly least: Float64Array;
  readonly fixed: readonly boolean[];
}

/** @returns why nothing is known of the channels */
function mostPeaks(pair: LayerPair, statistics: Statistics, byWeights: boolean): Peaks | string {
  const { channels, between, bounds } = pair;
  const peaks = statistics.peaks?.(between.name) ?? null;
  const least = new Float64Array(channels);
  const fixed = new Array<boolean>(channels).fill(false);
  for (const { value, most } of bounds) {
    const seen = statistics.peaks?.(value.name);
    if (!seen) return 'bound-not-measured';
    seen.forEach((peak, c) => {
      if (peak >= nearBound * most) fixed[c] = true;
      least[c] = Math.max(least[c]!, peak / (nearBound * most));
    });
  }
  if (!byWeights && (!peaks || peaks.length !== channels)) return 'channels-not-measured';
  return { peaks: byWeights ? null : peaks, least, fixed };
}

interface Scaled extends Peaks {
  readonly pair: LayerPair;
  /** By channel, of all rounds. */
  readonly total: Float64Array;
}

const openPair = (pair: LayerPair, peaks: Peaks): Scaled => ({
  ...{ ...peaks, pair },
  total: new Float64Array(pair.channels).fill(1),
});

const weightsOf = (scaled: readonly Scaled[]): Map<Node, Float32Array> =>
  new Map(
    scaled
      .flatMap(({ pair }) => [pair.first, pair.second])
      .map((node) => [node, float32Values(constantOf(node.inputs[1])!).slice()]),
  );

/** Moves a factor a channel from one layer to the other. @returns the largest change, 0 for none */
function rescale({ pair, peaks, least, fixed, total }: Scaled, weights: Map<Node, Float32Array>): number {
  const { first, second, channels, repeat } = pair;
  const [w1, w2] = [weights.get(first)!, weights.get(second)!];
  const [from, to] = [weightChannels(first).output, weightChannels(second).input];
  const channel = (i: number) => Math.floor(to(i) / repeat);
  const made = peaks ? peaks.map((p, c) => p / total[c]!) : largest(w1, channels, from);
  const read = largest(w2, channels, channel);
  let change = 0;
  const factor = new Float64Array(channels).fill(1);
  for (let c = 0; c < channels; c++) {
    if (fixed[c] || !(made[c]! > 0) || !(read[c]! > 0)) continue;
    const wanted = total[c]! * Math.sqrt(made[c]! / read[c]!);
    const next = Math.max(least[c]!, 1 / mostScale, Math.min(mostScale, wanted));
    factor[c] = next / total[c]!;
    total[c] = next;
    change = Math.max(change, Math.abs(Math.log(factor[c]!)));
  }
  for (let i = 0; i < w1.length; i++) w1[i]! /= factor[from(i)]!;
  for (let i = 0; i < w2.length; i++) w2[i]! *= factor[channel(i)]!;
  return change;
}

function largest(weights: Float32Array, channels: number, channel: (i: number) => number): Float32Array {
  const found = new Float32Array(channels);
  for (let i = 0; i < weights.length; i++) {
    const c = channel(i);
    found[c] = Math.max(found[c]!, Math.abs(weights[i]!));
  }
  return found;
}

function divideBias(node: Node, scale: Float64Array): void {
  const value = node.inputs[2];
  const bias = value && constantOf(value);
  if (!bias) return;
  const divided = float32Values(bias).map((b, c) => b / scale[c]!);
  setInput(
    node,
    2,
    addInitializer(node.graph, `${value.name}/equalized`, tensorOf('float32', bias.dims, divided)),
  );
}
