/** What the gate of a bundle measures against: how near a variant's outputs have to be, and how that is said. */
import type { DataSource } from '../data/source.ts';
import type { OutputComparison } from '../judge/analyze/compare.ts';
import { formatDb, formatPercent } from '../support/units.ts';

export interface Budget {
  /** Share of samples with the same top-1, where outputs are scores and the data is real. */
  readonly minAgreement: number;
  /** dB, for all else. */
  readonly minSqnrDb: number;
}

export interface GateData {
  readonly source: DataSource;
  readonly indices: readonly number[];
}

/** "webgpu, Chromium 140.0, google swiftshader"; of wasm the browser alone. */
export const placeOf = (
  provider: 'wasm' | 'webgpu',
  { browser, adapter }: { readonly browser: string; readonly adapter: string | null },
) => [...(provider === 'webgpu' ? ['webgpu'] : []), browser, ...(adapter ? [adapter] : [])].join(', ');

export function parityOf(outputs: readonly OutputComparison[], samples: number, runtime: string) {
  const worst = (values: readonly (number | null)[]) => {
    const known = values.filter((v) => v !== null);
    return known.length === 0 ? null : Math.min(...known);
  };
  return {
    runtime,
    samples,
    sqnrDb: worst(outputs.map((o) => o.sqnrDb)),
    cosine: worst(outputs.map((o) => o.cosine)),
    top1Agreement: worst(outputs.map((o) => o.top1Agreement)),
  };
}

/** An error that is smaller than this is none, where an output is all zero. */
const nothing = 1e-3;

/** Of few samples, one that differs may be chance: a variant that agrees on 94 of 100 agrees on all of four only three
 *  times out of four. Kernels that are wrong disagree on more than one. */
export const fewAgreement = (samples: number, minAgreement: number) =>
  1 - Math.ceil(samples * (1 - minAgreement) - 1e-9) / samples;

export function outOfBudget(
  outputs: readonly OutputComparison[],
  { source }: GateData,
  { minAgreement, minSqnrDb }: Budget,
): string | null {
  for (const o of outputs) {
    if (o.nonFinite > 0) return `${o.nonFinite} values of output "${o.name}" are not finite, or were not`;
    // Noise has no classes: its top-1 says little.
    if (o.top1Agreement !== null && source.kind !== 'synthetic') {
      if (o.top1Agreement < minAgreement)
        return `same top-1 on ${formatPercent(o.top1Agreement)} of rows of "${o.name}", at least ${formatPercent(minAgreement)} asked`;
    } else if (o.sqnrDb !== null) {
      if (o.sqnrDb < minSqnrDb)
        return `output "${o.name}" has SQNR ${formatDb(o.sqnrDb)}, at least ${formatDb(minSqnrDb)} asked`;
    } else if (o.maxAbsError > nothing) return `output "${o.name}" was all zero and is not any more`;
  }
  return null;
}
