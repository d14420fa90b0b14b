/** Sound at another rate, by sinc interpolation in a Hann window.
 *    y[n] = Σ_k x[k] · w(k − n·from/to),  w(d) = (c/from) · sinc(π t) · cos²(π t / 2z),  t = d · c/from, |t| < z
 *  c is 0.99 of the lower rate, z = 6 zero crossings: what the lower rate can't hold is taken out.
 *  Source: Smith, Digital Audio Resampling Home Page; torchaudio.functional.resample has the same defaults. */

const zeroCrossings = 6;
const rolloff = 0.99;

/** @returns ⌈length · to / from⌉ samples; the same array where the rates are equal */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const divisor = gcd(from, to);
  const [down, up] = [from / divisor, to / divisor];
  const weights = phases(down, up);
  const reach = (weights[0]!.length - 1) / 2;
  const out = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let n = 0; n < out.length; n++) {
    const centre = Math.floor((n * down) / up);
    const phase = weights[(n * down) % up]!;
    let sum = 0;
    const first = Math.max(0, reach - centre);
    const last = Math.min(phase.length - 1, samples.length - 1 - centre + reach);
    for (let k = first; k <= last; k++) sum += phase[k]! * samples[centre + k - reach]!;
    out[n] = sum;
  }
  return out;
}

/** For each place between two samples that an output can fall on, the weights of the samples around it. */
function phases(down: number, up: number): Float64Array[] {
  const cutoff = (rolloff * Math.min(down, up)) / down;
  const reach = Math.ceil(zeroCrossings / cutoff) + 1;
  return Array.from({ length: up }, (_, phase) =>
    Float64Array.from(
      { length: 2 * reach + 1 },
      (_, k) => cutoff * kernel((k - reach - phase / up) * cutoff),
    ),
  );
}

function kernel(t: number): number {
  if (Math.abs(t) >= zeroCrossings) return 0;
  const sinc = t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
  return sinc * Math.cos((Math.PI * t) / (2 * zeroCrossings)) ** 2;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
