/** Zeros in the weights of a model. They make the file compress better and nothing faster: see sparsityEffect. */
import type { Statistics } from '../../compute/calibrate/statistics.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import { setConstant } from '../../model/ir/edit.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { sparsityNeedsMoments } from '../../support/diagnostics/sparsity.ts';
import { dampingFor } from './least-squares.ts';
import { createCompensator } from './unstructured-compensate.ts';
import { placesOf, type WeightLayer } from './unstructured-layers.ts';
import {
  allocate,
  maskOf,
  type NofM,
  normalisedScores,
  patternMask,
  type SparsityScope,
  scoreWeights,
} from './unstructured-masks.ts';

export interface SparsityOptions {
  /** How much becomes zero: a share of all weights, weights nearer to zero than a threshold, or a pattern. */
  readonly target:
    | { readonly sparsity: number }
    | { readonly threshold: number }
    | { readonly pattern: NofM };
  /** 'wanda' weighs by what a weight is multiplied with, 'sparsegpt' also changes the weights that stay. */
  readonly score: 'magnitude' | 'wanda' | 'sparsegpt';
  readonly scope: SparsityScope;
  /** Least share of a layer that stays. */
  readonly leave: number;
  readonly damping?: number;
  readonly block?: number;
}

interface SparsityResult {
  /** Weights that became zero and were not. */
  readonly changed: number;
  /** 1 where a weight stays, float32, by initialiser name: what training must hold to. */
  readonly masks: ReadonlyMap<string, Tensor>;
  /** Layers where another score had to do. */
  readonly fallbacks: readonly { readonly at: string; readonly reason: string }[];
}

/** Puts zeros into the given layers, in place. @throws SPARSITY_NEEDS_MOMENTS when a score needs data that is absent */
export async function sparsify(
  engine: Engine,
  layers: readonly WeightLayer[],
  statistics: Statistics,
  options: SparsityOptions,
): Promise<SparsityResult> {
  const { target, score, scope, leave } = options;
  const fallbacks: { at: string; reason: string }[] = [];
  const momentsOf = (layer: WeightLayer, diagonal: boolean) => {
    const request = layer.moments(diagonal);
    if (!request) {
      fallbacks.push({ at: layer.name, reason: `scored-by-magnitude: ${layer.node.opType}` });
      return undefined;
    }
    const found = statistics.moments?.(request);
    if (!found) throw sparsityNeedsMoments(score, layer.name);
    return found;
  };
  const diagonals = layers.map((l) => (score === 'wanda' ? momentsOf(l, true) : undefined));
  const raw = layers.map((l, i) => scoreWeights(l, diagonals[i]));
  const scores = score === 'wanda' && scope === 'global' ? raw.map(normalisedScores) : raw;
  const shares =
    'sparsity' in target ? allocate(layers, target.sparsity, scope, leave, scores) : layers.map(() => 0);
  const compensator = score === 'sparsegpt' ? createCompensator(engine) : null;
  const masks = new Map<string, Tensor>();
  let changed = 0;
  try {
    for (const [i, layer] of layers.entries()) {
      const tensor = layer.value.constant as Tensor;
      const old = float32Values(tensor);
      const moments = compensator ? momentsOf(layer, false) : undefined;
      const pattern = 'pattern' in target ? target.pattern : null;
      let next: Float32Array;
      if (compensator && moments && layer.layout)
        next = await compensator.prune(old, layer.layout, moments.values, {
          share: shares[i]!,
          pattern,
          damping: dampingFor(options.damping ?? 0.01, moments.columns, rowsBehind(layer, statistics)),
          block: options.block ?? 128,
        });
      else {
        const mask = chosenMask(layer, scores[i]!, shares[i]!, options);
        next = old.map((w, k) => (mask[k] ? w : 0));
      }
      const lost = next.reduce((n, w, k) => n + (w === 0 && old[k] !== 0 ? 1 : 0), 0);
      masks.set(
        layer.value.name,
        tensorOf(
          'float32',
          tensor.dims,
          next.map((w) => (w === 0 ? 0 : 1)),
        ),
      );
      if (lost === 0) continue;
      changed += lost;
      setConstant(layer.value, tensorOf('float32', tensor.dims, next));
    }
  } finally {
    await compensator?.close();
  }
  return { changed, masks, fallbacks };
}

/** Rows that the moments were taken over. */
const rowsBehind = (layer: WeightLayer, { samples }: Statistics) => Math.max(1, samples * placesOf(layer));

function chosenMask(
  layer: WeightLayer,
  scores: Float32Array,
  share: number,
  { target, scope }: SparsityOptions,
): Uint8Array {
  if ('threshold' in target) return Uint8Array.from(scores, (s) => (s < target.threshold ? 0 : 1));
  if ('pattern' in target && layer.layout) return patternMask(scores, layer.layout, target.pattern);
  return maskOf(scores, share, scope === 'row' ? layer.layout : null);
}

/** Why zeros in a layer can't be, or are not worth it; null where they are fine. */
export function sparsityObstacle(
  layer: WeightLayer,
  options: { readonly target: SparsityOptions['target']; readonly minElements: number },
): string | null {
  const size = elementCount(layer.value.constant!.dims);
  if (size < options.minElements) return `small-weight: ${size} elements`;
  if (layer.value.overridable) return 'caller-may-override';
  if (!('pattern' in options.target)) return null;
  if (!layer.layout) return `no-pattern-for-${layer.node.opType}`;
  const channels = layer.layout.columns / layer.layout.places;
  const { m } = options.target.pattern;
  return channels < m ? `fewer-inputs-than-a-group: ${channels}` : null;
}

/** Cubic: most goes early, while the network still has room (Zhu & Gupta 2017). @param round  1 … rounds */
export const sparsityOfRound = (sparsity: number, round: number, rounds: number) =>
  sparsity * (1 - (1 - round / rounds) ** 3);
