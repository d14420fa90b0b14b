/** Numbers that change smoothly along an input's axes, as features of sound, measurements and maps do. */
import type { Model } from '../../model/ir/model.ts';
import type { Port } from '../../model/ir/port.ts';
import { elementCount, tensorOf } from '../../model/ir/tensor.ts';
import type { Random } from '../../support/random.ts';
import { noiseField } from './field.ts';
import { type InputScale, inputScale } from './input-scale.ts';
import { dimsOf, type Maker } from './maker.ts';

/** Standard deviations that numbers may have where the graph says nothing of them. */
const deviations = [1, 10, 50];

/** The likeliest first. */
export function numberMakers(port: Port, model: Model): readonly Maker[] {
  const dims = dimsOf(port);
  const known = inputScale(model, port.name);
  if (known) return [{ what: 'numbers of the scale that the graph takes off', make: (r) => of(r, known) }];
  return deviations.map((deviation) => ({
    what: `random numbers of deviation ${deviation}`,
    make: (random) => of(random, { mean: [0], deviation: [deviation] }),
  }));

  function of(random: Random, scale: InputScale) {
    const values = smooth(random, dims);
    const channel = channelOf(dims, scale.mean.length);
    return tensorOf(
      port.dtype,
      dims,
      values.map((v, i) => {
        const c = channel(i);
        return scale.mean[c % scale.mean.length]! + v * scale.deviation[c % scale.deviation.length]!;
      }),
    );
  }
}

/** Along the two longest of the last axes a field; others independent; some samples rough, all with a level and a strength of their own. */
function smooth(random: Random, dims: readonly number[]): Float32Array {
  const count = elementCount(dims);
  const [height, width] = dims.length > 1 ? [dims.at(-2)!, dims.at(-1)!] : [1, dims[0] ?? 1];
  const plane = Math.max(1, height * width);
  const isRough = random.integer(3) === 0;
  const [level, strength] = [0.5 * random.normal(), 0.5 + random.next()];
  const out = new Float32Array(count);
  for (let at = 0; at < count; at += plane) {
    const field =
      isRough || plane < 16
        ? Float32Array.from({ length: plane }, () => random.normal())
        : noiseField(random, { width, height }, 0.3 + 0.6 * random.next());
    out.set(field.subarray(0, count - at), at);
  }
  return out.map((v) => level + strength * v);
}

/** Which of so many channels an element is of: those of axis 1, else of the last axis. */
function channelOf(dims: readonly number[], channels: number): (at: number) => number {
  if (channels === 1) return () => 0;
  const axis = dims[1] === channels ? 1 : dims.length - 1;
  const inner = elementCount(dims.slice(axis + 1));
  return (at) => Math.floor(at / inner) % channels;
}
