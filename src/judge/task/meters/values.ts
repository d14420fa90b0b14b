/** How far numbers are from the original's, in their own unit and against how much they vary. */
import type { Port } from '../../../model/ir/port.ts';
import { elementCount, float32Values, numbers } from '../../../model/ir/tensor.ts';
import { createRegressionMeter, type RegressionResult } from '../../evaluate/regression.ts';
import { type Metric, measured } from '../measure.ts';
import type { OpenMeter } from '../meter.ts';
import { outputsAs } from '../task.ts';

interface Track {
  readonly name: string;
  count: number;
  squares: number;
  absolute: number;
  samples: number;
  /** Of each element over samples (Welford 1962); null where sizes change from sample to sample. */
  means: Float64Array | null;
  /** Σ(x − mean)², of all elements. */
  spread: number;
  /** Of all elements together, for a single sample. */
  mean: number;
  overall: number;
}

/** Of several outputs the one with the largest error against its spread counts. */
export const valuesMeter: OpenMeter = ({ task, inputs, outputs }) => {
  const tracks = outputsAs(task, 'values').map(emptyTrack);
  const made = reconstructed(outputsAs(task, 'values'), inputs, outputs);
  const [was, is] = [createRegressionMeter(), createRegressionMeter()];
  return {
    add(x, y, { target, inputs: given }) {
      const [only] = tracks;
      const truth = target ?? (made === null ? undefined : given[made]);
      const right = truth && tracks.length === 1 ? numbers(truth) : null;
      if (right && right.length === elementCount(x[only!.name]!.dims)) {
        was.add(float32Values(x[only!.name]!), right);
        is.add(float32Values(y[only!.name]!), right);
      }
      for (const track of tracks)
        addTo(
          track,
          float32Values(x[track.name]!),
          float32Values(y[track.name]!),
          elementCount(x[track.name]!.dims),
        );
      return null;
    },
    result: () => {
      const [worst] = tracks
        .filter(({ count }) => count > 0)
        .map((track) => ({ track, error: relative(track) }))
        .sort((a, b) => (b.error ?? -1) - (a.error ?? -1));
      if (!worst) return [];
      const { track, error } = worst;
      const of = tracks.length > 1 ? { of: track.name } : {};
      return [
        { ...measured('relative-error', error), ...of },
        { ...measured('rmse', Math.sqrt(track.squares / track.count)), ...of },
        { ...measured('mae', track.absolute / track.count), ...of },
      ];
    },
    quality: () =>
      qualityOf(was.result(), is.result(), made === null ? 'against targets' : 'of the reconstruction'),
  };
};

/** The input that a model gives back, as an autoencoder does: how well it does is what its answers are for. null for others. */
function reconstructed(
  answers: readonly string[],
  inputs: readonly Port[],
  outputs: readonly Port[],
): string | null {
  const shape = answers.length === 1 ? outputs.find(({ name }) => name === answers[0])?.shape : null;
  const alike = (p: Port) =>
    shape && p.shape?.length === shape.length && p.shape.slice(1).every((d, i) => d === shape[i + 1]);
  const fitting = inputs.filter((p) => p.dtype.startsWith('float') && (p.shape?.length ?? 0) > 1 && alike(p));
  return fitting.length === 1 && outputs.length === 1 ? fitting[0]!.name : null;
}

/** Against the targets of samples, or what went in; none without either. @param against  what the errors are of */
function qualityOf(was: RegressionResult, is: RegressionResult, against: string): Metric[] {
  const row = (name: string, higherIsBetter: boolean, of: (r: RegressionResult) => number | null) => ({
    ...{ name, higherIsBetter, unit: 'number' as const, interval: null },
    ...{ before: of(was), after: of(is) },
  });
  if (was.count === 0) return [];
  return [
    row(`RMSE ${against}`, false, ({ mse }) => mse && Math.sqrt(mse)),
    row(`mean absolute error ${against}`, false, ({ mae }) => mae),
    row('R²', true, ({ r2 }) => r2),
  ];
}

const emptyTrack = (name: string): Track => ({
  name,
  ...{ count: 0, squares: 0, absolute: 0, samples: 0, means: null, spread: 0, mean: 0, overall: 0 },
});

function addTo(track: Track, x: Float32Array, y: Float32Array, size: number): void {
  if (track.samples === 0) track.means = new Float64Array(size);
  else if (track.means?.length !== size) track.means = null;
  track.samples++;
  for (let i = 0; i < size; i++) {
    const value = x[i]!;
    const off = y[i]! - value;
    track.squares += off * off;
    track.absolute += Math.abs(off);
    track.count++;
    const step = value - track.mean;
    track.mean += step / track.count;
    track.overall += step * (value - track.mean);
    if (!track.means) continue;
    const own = value - track.means[i]!;
    track.means[i]! += own / track.samples;
    track.spread += own * (value - track.means[i]!);
  }
}

/** Root mean square of the error as a share of the standard deviation; null where the original always says the same. */
function relative({ squares, spread, overall, means, samples }: Track): number | null {
  const variation = means && samples > 1 && spread > 0 ? spread : overall;
  if (squares === 0) return 0;
  return variation > 0 ? Math.sqrt(squares / variation) : null;
}
