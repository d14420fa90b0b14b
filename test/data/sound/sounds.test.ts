/** Recordings as samples. The oracle of resampling is the sine itself, that of decoding what was written. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { openOn } from '../../../src/compute/engine/open-model.ts';
import { openData } from '../../../src/data/open.ts';
import { framesSaid } from '../../../src/data/sound/decode.ts';
import { resample } from '../../../src/data/sound/resample.ts';
import { withCarriedStates } from '../../../src/jobs/carry-states.ts';
import { compress } from '../../../src/jobs/compress.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import { openedFromModel } from '../../../src/model/formats/opened.ts';
import { type Port, portsOf } from '../../../src/model/ir/port.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';

const root = mkdtempSync(join(tmpdir(), 'edgepress-sound-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const write = (name: string, content: Uint8Array) => {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
};

interface Stored {
  readonly rate?: number;
  readonly channels?: number;
  readonly bits?: 8 | 16 | 24 | 32;
  readonly float?: boolean;
}

/** A WAV file of interleaved values from −1 to 1. */
function wav(
  values: readonly number[],
  { rate = 16000, channels = 1, bits = 16, float = false }: Stored = {},
) {
  const bytes = bits / 8;
  const data = Buffer.alloc(values.length * bytes);
  values.forEach((value, i) => {
    const at = i * bytes;
    if (float) data.writeFloatLE(value, at);
    else if (bits === 8) data.writeUInt8(Math.round(value * 127) + 128, at);
    else data.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), at, bytes);
  });
  const head = Buffer.alloc(44);
  head.write('RIFF', 0).toString();
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(float ? 3 : 1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels * bytes, 28);
  head.writeUInt16LE(channels * bytes, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

const port = (shape: Port['shape'], name = 'audio'): Port => ({ name, dtype: 'float32', shape });
const ramp = (length: number) => Array.from({ length }, (_, i) => (i % 100) / 100);
const failure = (path: string, ports: readonly Port[], options: object = {}) =>
  openData(path, ports, { seed: 1, ...options }).then(
    () => 'none',
    (error: { code: string }) => error.code,
  );

describe('sound at another rate', () => {
  const sine = (hertz: number, rate: number, length: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));
  // Away from the ends, where the window reaches over them.
  const inside = (x: Float32Array) => x.subarray(200, x.length - 200);
  const furthest = (a: Float32Array, b: Float32Array) =>
    inside(a).reduce((most, value, i) => Math.max(most, Math.abs(value - inside(b)[i]!)), 0);

  it.each([
    [44100, 16000],
    [8000, 16000],
    [48000, 22050],
  ])('a tone stays itself from %d to %d', (from, to) => {
    const out = resample(sine(440, from, from / 2), from, to);
    expect(out.length).toBe(to / 2);
    // The window's ripple where the pass band is flat: −60 dB.
    expect(furthest(out, sine(440, to, out.length))).toBeLessThan(2e-3);
  });

  it('loses what the lower rate can’t hold', () => {
    const out = resample(sine(7000, 16000, 8000), 16000, 8000);
    expect(Math.max(...inside(out).map(Math.abs))).toBeLessThan(0.01);
  });
});

describe('recordings', () => {
  it.each([
    ['8 bits', { bits: 8 }, 0.01],
    ['16 bits', { bits: 16 }, 1e-4],
    ['24 bits', { bits: 24 }, 1e-6],
    ['32 bits', { bits: 32 }, 1e-6],
    ['float', { bits: 32, float: true }, 1e-7],
  ] as const)('of %s are read', async (name, stored, off) => {
    const path = write(`${name}.wav`, wav(ramp(200), stored));
    const source = await openData(path, [port([1, 200])], { seed: 1, sampleRate: 16000 });
    const read = numbers((await source.read(0)).inputs['audio']!);
    for (const [i, value] of ramp(200).entries()) expect(Math.abs(read[i]! - value)).toBeLessThanOrEqual(off);
  });

  // Written by libsndfile: half a second of 440 Hz, half as loud as it can be.
  it.each([
    ['tone.flac', 1e-4],
    ['tone.mp3', 0.1],
    ['tone.ogg', 0.05],
    ['tone.opus', 0.1],
  ])('that are compressed are decoded: %s', async (name, off) => {
    const path = join(import.meta.dirname, 'tones', name);
    const source = await openData(path, [port(['b', 't'])], { seed: 1, sampleRate: 16000 });
    const read = numbers((await source.read(0)).inputs['audio']!);
    expect(read.length).toBe(8000);
    const found = read.slice(1000, 7000);
    const loudness = Math.sqrt(found.reduce((sum, v) => sum + v * v, 0) / found.length);
    expect(Math.abs(loudness - 0.5 / Math.SQRT2)).toBeLessThan(off);
    const crossings = found.filter((v, i) => i > 0 && v >= 0 !== found[i - 1]! >= 0).length;
    expect(Math.abs(crossings / 2 / (found.length / 16000) - 440)).toBeLessThan(10);
  });

  it('in stereo become the mean of both', async () => {
    const stereo = ramp(200).flatMap((v) => [v, -v / 2]);
    const path = write('stereo.wav', wav(stereo, { channels: 2, bits: 32, float: true }));
    const source = await openData(path, [port([1, 1, 200])], { seed: 1, sampleRate: 16000 });
    const { audio } = (await source.read(0)).inputs;
    expect(audio!.dims).toEqual([1, 1, 200]);
    expect(numbers(audio!)[50]).toBeCloseTo(0.125, 6);
  });

  it('are cut into windows of the model’s length, the last filled up where it is half full', async () => {
    const path = write('long.wav', wav(ramp(16000 * 2 + 9000)));
    const source = await openData(path, [port(['batch', 16000])], { seed: 1 });
    expect(source).toMatchObject({ kind: 'sound', length: 3, name: 'long.wav (3 windows of 1 recording)' });
    expect(source.guessed).toContain('16000 samples a second (--sample-rate says it otherwise)');
    const last = numbers((await source.read(2)).inputs['audio']!);
    expect(last.slice(9000)).toEqual(new Array(7000).fill(0));
    expect((await source.read(1)).id).toBe('long.wav, from 1.00 s');
  });

  it('stay whole where any length is taken, and come at the rate that is said', async () => {
    const path = write('cd.wav', wav(ramp(4410), { rate: 44100 }));
    const source = await openData(path, [port(['b', 't'])], { seed: 1, sampleRate: 22050 });
    expect((await source.read(0)).inputs['audio']!.dims).toEqual([1, 2205]);
    expect(source.guessed).toContain('1 of 1 recordings brought to 22050 samples a second');
  });

  it('in class folders are labelled', async () => {
    for (const name of ['no/1.wav', 'no/2.wav', 'yes/1.wav']) write(`words/${name}`, wav(ramp(16000)));
    const source = await openData(join(root, 'words'), [port([1, 16000])], { seed: 1 });
    expect(source).toMatchObject({ length: 3, labelled: true, classes: ['no', 'yes'] });
    expect((await source.read(2)).label).toBe(1);
  });

  it('come with rate, length and mask where the model asks for them', async () => {
    const path = write('speech.wav', wav(ramp(300)));
    const ports: Port[] = [
      port(['b', 't'], 'input_values'),
      { name: 'attention_mask', dtype: 'int64', shape: ['b', 't'] },
      { name: 'sr', dtype: 'int64', shape: [] },
      { name: 'lengths', dtype: 'int32', shape: ['b'] },
    ];
    const { inputs } = await (await openData(path, ports, { seed: 1 })).read(0);
    expect(numbers(inputs['sr']!)).toEqual([16000]);
    expect(numbers(inputs['lengths']!)).toEqual([300]);
    expect(inputs['attention_mask']!.dims).toEqual([1, 300]);
  });
});

describe('what is no recording', () => {
  const ports = [port([1, 16000])];
  const good = wav(ramp(10));
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt16LE(value, at);
    return bytes;
  };

  it.each([
    ['other bytes', Buffer.from('no sound at all, but text')],
    ['a file that ends in its head', good.subarray(0, 30)],
    ['one without samples', wav([])],
    ['compressed samples', changed(20, 0x11)],
    ['more channels than its blocks hold', changed(22, 60)],
    ['blocks of no size', changed(32, 0)],
  ])('%s are refused', async (name, bytes) => {
    expect(await failure(write(`${name}.wav`, bytes), ports)).toBe('SOUND_INVALID');
  });

  it('a compressed one that is not whole, or something else, is refused', async () => {
    for (const name of ['tone.flac', 'tone.ogg', 'tone.opus', 'tone.mp3']) {
      const whole = readFileSync(join(import.meta.dirname, 'tones', name));
      expect(await failure(write(`begin-${name}`, whole.subarray(0, 90)), ports)).toBe('SOUND_INVALID');
      expect(await failure(write(`other-${name}`, good), ports)).toBe('SOUND_INVALID');
    }
  });

  it('a compressed one that says that it is longer than memory is refused before it is decoded', async () => {
    const read = (name: string) => readFileSync(join(import.meta.dirname, 'tones', name));
    // Half a second, as libsndfile wrote it; Opus counts 48 000 a second, and 312 that come before.
    const said = ['tone.flac', 'tone.ogg', 'tone.opus', 'tone.mp3'].map((name) => framesSaid(read(name)));
    expect(said).toEqual([8000, 8000, 24312, null]);
    const flac = read('tone.flac');
    flac.writeUInt32BE(2 ** 27 + 1, 22);
    const ogg = read('tone.ogg');
    ogg.writeBigInt64LE(2n ** 40n, ogg.lastIndexOf('OggS') + 6);
    for (const [name, bytes] of [
      ['long.flac', flac],
      ['long.ogg', ogg],
    ] as const) {
      const reading = openData(write(name, bytes), ports, { seed: 1 });
      await expect(reading).rejects.toMatchObject({
        code: 'SOUND_INVALID',
        message: expect.stringContaining('134'),
      });
    }
  });

  it('a compressed one of more than 16 MiB is refused', async () => {
    const path = write('large.mp3', Buffer.alloc(2 ** 24 + 1));
    expect(await failure(path, ports)).toBe('DATA_TOO_LARGE');
  });

  it('other recordings are to be converted, and features are not made of sound', async () => {
    expect(await failure(write('a.m4a', Buffer.from('x')), ports)).toBe('DATA_KIND');
    expect(await failure(write('b.wav', good), [port([1, 80, 3000], 'mel')])).toBe('INPUT_NOT_SOUND');
  });

  it('options of other data are refused', async () => {
    const path = write('c.wav', good);
    expect(await failure(path, ports, { tokenizer: 'tokenizer.json' })).toBe('OPTION_WITHOUT_EFFECT');
    expect(await failure('fixtures/data/glyphs', [port(['n', 3, 32, 32])], { sampleRate: 8000 })).toBe(
      'OPTION_WITHOUT_EFFECT',
    );
  });
});

describe('states', () => {
  // Adds up what it hears: the state before step k is the sum over all steps before.
  const adder = openedFromModel(
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float["b",200] audio, float["b",1] state) => (float["b",1] out, float["b",1] stateN)
<int64[1] one = {1}>
{ sum = ReduceSum (audio, one)
  stateN = Add (state, sum)
  out = Identity (stateN) }`),
  );

  it('are carried from window to window, whichever are asked for', async () => {
    const path = write('steps.wav', wav(new Array(1000).fill(0.01), { bits: 32, float: true }));
    const source = await openData(path, portsOf(adder.model), { seed: 1, model: adder, sampleRate: 16000 });
    expect(source.length).toBe(5);
    const session = await openOn(await openEngine(), adder);
    const carried = await withCarriedStates(source, [1, 4], session);
    await session.close();
    const state = async (i: number) => numbers((await carried.read(i)).inputs['state']!)[0];
    expect(await state(1)).toBeCloseTo(2, 4);
    expect(await state(4)).toBeCloseTo(8, 4);
  });

  it('calibrate a recurrent network of sound', async () => {
    const { report } = await compress(openModel('fixtures/models/sequence-gru.onnx'), {
      ...{
        int8: true,
        data: write('wave.wav', wav(ramp(4000))),
        window: 128,
        calibrate: 10,
        evaluate: 12,
        measure: false,
      },
    });
    expect(report.data).toMatchObject({ kind: 'sound', evaluationSamples: 12 });
  });
});

const zoo = process.env['EDGEPRESS_ZOO'];
describe.skipIf(!zoo)('the zoo (EDGEPRESS_ZOO)', () => {
  it('silero hears speech in 77 % of the frames of its recording', async () => {
    const folder = join(zoo!, 'models/onnx-silero-vad');
    const model = openModel(join(folder, 'silero_vad.onnx'));
    const source = await openData(join(folder, 'test.wav'), portsOf(model.model), { seed: 1, model });
    const session = await openOn(await openEngine(), model);
    const all = Array.from({ length: source.length }, (_, i) => i);
    const carried = await withCarriedStates(source, all, session);
    let speech = 0;
    for (const i of all) {
      const { output } = await session.run((await carried.read(i)).inputs);
      if (numbers(output!)[0]! > 0.5) speech++;
    }
    await session.close();
    expect(speech / source.length).toBeCloseTo(0.77, 2);
  });
});
