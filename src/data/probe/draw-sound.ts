/** Sound of nothing in particular: voices, notes that fade, bursts of noise, and quiet between. */
import type { Random } from '../../support/random.ts';

/** Fewer samples hold no sound that one could hear: they are drawn as waves of a few periods. */
const fewest = 400;

/** @param rate  samples a second
 *  @returns samples in −1 … 1; kinds take turns by index */
export function drawSound(random: Random, length: number, rate: number, index: number): Float32Array {
  const out = new Float32Array(length);
  if (length < fewest) addWave(out, random);
  else makers[index % makers.length]!(out, random, rate);
  const loudness = 0.08 + 0.8 * random.next() ** 2;
  return normalised(out, loudness, random, length < fewest ? 0.1 : 0.01 * random.next());
}

const makers = [addVoice, addNotes, addVoice, addBursts, addMixture];

function addMixture(out: Float32Array, random: Random, rate: number): void {
  addVoice(out, random, rate);
  addNotes(out, random, rate);
  addBursts(out, random, rate);
}

/** Harmonics of a gliding pitch, stronger about three resonances, in syllables. */
function addVoice(out: Float32Array, random: Random, rate: number): void {
  const pitch = 85 * 2 ** (1.6 * random.next());
  const syllable = rate * (0.1 + 0.2 * random.next());
  let [phase, formants, glide] = [0, resonances(random), 1];
  for (let i = 0; i < out.length; i++) {
    const within = (i % syllable) / syllable;
    if (i > 0 && within < ((i - 1) % syllable) / syllable)
      [formants, glide] = [resonances(random), 0.85 + 0.3 * random.next()];
    const hertz = pitch * (1 + (glide - 1) * within);
    phase += (2 * Math.PI * hertz) / rate;
    const envelope = Math.min(1, 8 * within, 5 * (1 - within));
    let sum = 0;
    for (let k = 1; k <= 24 && k * hertz < rate / 2; k++)
      sum += gainAt(k * hertz, formants) * Math.sin(k * phase);
    out[i]! += envelope * sum;
  }
}

const resonances = (random: Random): readonly number[] => [
  300 + 500 * random.next(),
  900 + 1400 * random.next(),
  2400 + 800 * random.next(),
];

const gainAt = (hertz: number, formants: readonly number[]): number =>
  formants.reduce((sum, f, i) => sum + 1 / ((1 + i) * (1 + ((hertz - f) / (60 + 0.06 * f)) ** 2)), 0.01);

/** Of the tempered scale, with a few harmonics. */
function addNotes(out: Float32Array, random: Random, rate: number): void {
  const count = 1 + random.integer(5);
  for (let n = 0; n < count; n++) {
    const hertz = 55 * 2 ** (random.integer(52) / 12);
    const begin = random.integer(Math.ceil(out.length * 0.7));
    const fade = rate * (0.1 + 0.6 * random.next());
    for (let k = 1; k <= 6 && k * hertz < rate / 2; k++) {
      const step = (2 * Math.PI * hertz * k) / rate;
      const size = (0.3 + 0.7 * random.next()) / k;
      for (let i = begin; i < out.length; i++) {
        const age = i - begin;
        const attack = Math.min(1, age / (0.005 * rate));
        out[i]! += size * attack * Math.exp(-age / fade) * Math.sin(step * age);
      }
    }
  }
}

function addBursts(out: Float32Array, random: Random, rate: number): void {
  const count = 1 + random.integer(4);
  for (let n = 0; n < count; n++) {
    const begin = random.integer(out.length);
    const fade = rate * (0.01 + 0.3 * random.next() ** 2);
    // How much of the sample before stays: dull or sharp.
    const dull = 0.95 * random.next();
    let value = 0;
    for (let i = begin; i < out.length; i++) {
      value = dull * value + (1 - dull) * random.normal();
      out[i]! += 2 * value * Math.exp(-(i - begin) / fade);
    }
  }
}

const waves: readonly ((turn: number) => number)[] = [
  (turn) => Math.sin(2 * Math.PI * turn),
  (turn) => (turn % 1 < 0.5 ? 1 : -1),
  (turn) => 2 * (turn % 1) - 1,
  (turn) => 1 - 4 * Math.abs((turn % 1) - 0.5),
  (turn) => Math.exp(-(turn % 1) * 5),
];

/** A few periods of one form, which get shorter or fade now and then. */
function addWave(out: Float32Array, random: Random): void {
  const form = waves[random.integer(waves.length)]!;
  const periods = 0.7 + 6 * random.next();
  const chirp = random.integer(3) === 0 ? 2 * random.next() : 0;
  const fade = random.integer(3) === 0 ? 3 * random.next() : 0;
  const start = random.next();
  for (let i = 0; i < out.length; i++) {
    const at = i / out.length;
    out[i]! += form(start + periods * at * (1 + chirp * at)) * Math.exp(-fade * at);
  }
}

/** The largest becomes `loudness`, with a little noise under it. */
function normalised(out: Float32Array, loudness: number, random: Random, noise: number): Float32Array {
  const largest = out.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  const limited = (value: number) => Math.max(-1, Math.min(1, value));
  return out.map((value) => limited(loudness * (value / largest + noise * random.normal())));
}
