/** Models that lose channels which others make up, and what fitting makes of them. */
import { expect } from 'vitest';
import { findChannelGroups } from '../../../src/compress/prune/channel-groups.ts';
import { type PruneResult, pruneModel } from '../../../src/compress/prune/prune.ts';
import {
  type Reconstructed,
  type ReconstructOptions,
  reconstruct,
} from '../../../src/compress/prune/reconstruct.ts';
import type { Samples } from '../../../src/compute/calibrate/run-samples.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { createRandom } from '../../../src/support/random.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

let engine: Engine;
export const startEngine = async (): Promise<void> => {
  engine = await openEngine('node');
};

/** Pixels on a side: many places, so that the fit has little reason to lean on the weights as they were. */
export const side = 48;

/** "float[…] name = {…}" of normal numbers, the same for the same name and dims. @param row  what stands in for some rows */
export function weights(
  name: string,
  dims: readonly number[],
  row: (i: number, rows: number[][]) => number[] | null = () => null,
) {
  const [count, ...rest] = dims as [number, ...number[]];
  const random = createRandom(dims.reduce((seed, d) => seed * 31 + d, name.charCodeAt(0)));
  const size = rest.reduce((a, b) => a * b, 1);
  const rows: number[][] = [];
  for (let i = 0; i < count; i++)
    rows.push(row(i, rows) ?? Array.from({ length: size }, () => random.normal()));
  return `float[${dims.join()}] ${name} = {${rows
    .flat()
    .map((v) => v.toFixed(4))
    .join(', ')}}`;
}

/** A matrix [inputs, outputs] from one [outputs, inputs]. */
export function transposed(text: string): string {
  const [, a, b, name, values] = /^float\[(\d+),(\d+)\] (\w+) = \{(.*)\}$/.exec(text)!;
  const list = values!.split(', ');
  const turned = Array.from({ length: Number(b) }, (_, j) =>
    Array.from({ length: Number(a) }, (_, i) => list[i * Number(b) + j]),
  );
  return `float[${b},${a}] ${name} = {${turned.flat().join(', ')}}`;
}

/** The upper half of eight rows: multiples of the lower half, that Relu passes on. */
export const multiples = (i: number, rows: number[][]) =>
  i < 4 ? null : rows[i - 4]!.map((v) => v * (i - 3));
/** The last one nothing at all: with a bias, a constant. */
export const lastEmpty = (i: number, rows: number[][]) =>
  i === 7 ? rows[0]!.map(() => 0) : multiples(i, rows);
/** Biases that belong to them. */
export const bias = (i: number, rows: number[][]) => (i === 7 ? [1.5] : multiples(i, rows));

export const model = (opsetAndGraph: string, irVersion = 8) =>
  parseModel(`<ir_version: ${irVersion}, opset_import: ["" : 17]> ${opsetAndGraph}`, 'test');

export const image = `float[N,2,${side},${side}] x`;
export const answer = (channels: number) => `float[N,${channels},${side},${side}] y`;

export interface Case {
  readonly dense: Model;
  readonly pruned: Model;
  readonly result: PruneResult;
}

/** Removes the upper half of every group. */
export function cut(dense: Model): Case {
  const pruned = cloneModel(dense);
  const errors = new Map(
    findChannelGroups(pruned).groups.flatMap((g) =>
      g.keys.map((key, u) => [key, u < g.units.length / 2 ? 1 : 1e-6 * (u + 1)] as const),
    ),
  );
  const options = { ratio: 0.5, scope: 'uniform', importance: 'reconstruction', round: 1 } as const;
  return { dense, pruned, result: pruneModel(pruned, options, { errors }) };
}

export const samplesOf = (
  of: Model,
  count: number,
  dims: Readonly<Record<string, number>> = {},
): Samples => ({
  count,
  read: async (i) => ({ id: `${i}`, inputs: seededFeeds(of, 100 + i, { dims: { N: 1, ...dims } }) }),
});

export const mend = async (
  { dense, pruned, result }: Case,
  options: ReconstructOptions & { readonly samples?: Samples } = {},
): Promise<Reconstructed> => {
  const { samples = samplesOf(dense, 12), ...rest } = options;
  const done = await reconstruct(engine, { dense, pruned, outputs: result.outputs }, samples, {
    damping: 0,
    ...rest,
  });
  verifyModel(pruned);
  return done;
};

/** Largest difference between the outputs on inputs that nothing was fitted to, relative to the largest number. */
export async function distance(
  a: Model,
  b: Model,
  dims: Readonly<Record<string, number>> = {},
): Promise<number> {
  const feeds = seededFeeds(a, 7, { dims: { N: 2, ...dims } });
  const [expected, found] = [await runModel(engine, a, feeds), await runModel(engine, b, feeds)];
  const gaps = Object.entries(expected).map(([name, t]) => largestDifference(t, found[name]!));
  return Math.max(...gaps.map((g) => g.difference)) / Math.max(...gaps.map((g) => g.magnitude));
}

/** The prior's pull is columns/places of the mean variance: 4 of 12·48·48, which comes to a few ten-thousandths of a weight
 *  where columns vary unequally. */
export const close = 2e-3;

export async function expectMended(
  some: Case,
  options: Parameters<typeof mend>[1] & { dims?: Record<string, number> } = {},
) {
  const { dims = {}, ...rest } = options;
  expect(some.result.removed.length).toBeGreaterThan(0);
  expect(await distance(some.dense, some.pruned, dims)).toBeGreaterThan(0.05);
  const done = await mend(some, rest);
  expect(await distance(some.dense, some.pruned, dims)).toBeLessThan(close);
  return done;
}
