/** Training data from a source: levels, augmentation, mixing. */
import { describe, expect, it } from 'vitest';
import { augmentationSchema, augmentPicture, betaDraw } from '../../../src/compute/train/augment.ts';
import { sampleData } from '../../../src/compute/train/samples.ts';
import type { DataSource } from '../../../src/data/source.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';
import { pictures } from './run.ts';

const all = (n: number) => Array.from({ length: n }, (_, i) => i);
const augmentation = (given: Parameters<typeof augmentationSchema.parse>[0]) =>
  augmentationSchema.parse(given);
const read = (t: Tensor | undefined) => Array.from(numbers(t as Tensor), Number);

describe('samples kept as levels', () => {
  it('come back bit by bit, first read or second', async () => {
    const source = pictures(12);
    const data = await sampleData(source, all(12));
    for (let time = 0; time < 2; time++) {
      const { image, labels } = await data.batch({ indices: [11, 0, 5], epoch: time, seed: 0 });
      const own = await Promise.all(
        [11, 0, 5].map(async (i) => (await source.read(i)).inputs['image'] as Tensor),
      );
      expect(read(image)).toEqual(own.flatMap(read));
      expect(read(labels)).toEqual([1, 0, 1]);
    }
  });

  it.each(['NCHW', 'NHWC'] as const)('with a mean and deviation for each channel, in %s', async (layout) => {
    const spec = { layout, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    const dims = layout === 'NCHW' ? [1, 3, 8, 11] : [1, 8, 11, 3];
    const image = tensorOf(
      'float32',
      dims,
      all(264).map((i) => {
        const c = layout === 'NCHW' ? Math.floor(i / 88) : i % 3;
        return ((i % 256) * spec.scale - (spec.mean[c] as number)) / (spec.std[c] as number);
      }),
    );
    const source: DataSource = {
      ...pictures(1),
      preprocessing: spec,
      read: async () => ({ id: '0', inputs: { image } }),
    };
    const data = await sampleData(source, [0], { augmentation: augmentation({ flip: true }) });
    const flips = new Set<string>();
    for (let epoch = 0; epoch < 8; epoch++)
      flips.add(JSON.stringify(read((await data.batch({ indices: [0], epoch, seed: 0 }))['image'])));
    const mirrored = all(264).map((i) => {
      const [x, rest] = layout === 'NCHW' ? [i % 11, i - (i % 11)] : [Math.floor(i / 3) % 11, 0];
      const from = layout === 'NCHW' ? rest + 10 - x : i + 3 * (10 - 2 * x);
      return float32Values(image)[from];
    });
    expect(flips).toEqual(new Set([JSON.stringify(read(image)), JSON.stringify(mirrored)]));
  });

  it('that are no levels stay the numbers they are', async () => {
    const image = tensorOf('float32', [1, 1, 2, 2], [0.123, Number.NaN, -7, 1e9]);
    const source: DataSource = { ...pictures(1), read: async () => ({ id: '0', inputs: { image } }) };
    const { image: got } = await (await sampleData(source, [0])).batch({ indices: [0], epoch: 0, seed: 0 });
    expect(got?.bytes()).toEqual(image.bytes());
  });

  it('are read again when memory is used up', async () => {
    let reads = 0;
    const source = pictures(4);
    const counting: DataSource = {
      ...source,
      read(i) {
        reads++;
        return source.read(i);
      },
    };
    const data = await sampleData(counting, all(4), { memoryBytes: 64 * 2 });
    for (let epoch = 0; epoch < 3; epoch++) await data.batch({ indices: all(4), epoch, seed: 0 });
    // One to see what a sample is, then two kept and two not.
    expect(reads).toBe(1 + 2 + 3 * 2);
  });
});

describe('augmentation', () => {
  const changed = augmentation({ flip: true, crop: 2, colour: 0.3 });
  const epochOf = async (epoch: number, seed: number, indices = [3, 1]) =>
    read(
      (
        await (
          await sampleData(pictures(4), all(4), { augmentation: changed })
        ).batch({ indices, epoch, seed })
      )['image'],
    );

  it('follows from seed, epoch and sample, not from the batch', async () => {
    const given = await epochOf(1, 7);
    expect(await epochOf(1, 7)).toEqual(given);
    expect((await epochOf(1, 7, [0, 2, 3])).slice(128)).toEqual(given.slice(0, 64));
    expect(await epochOf(2, 7)).not.toEqual(given);
    expect(await epochOf(1, 8)).not.toEqual(given);
  });

  it('says that samples do not repeat, so that no teacher remembers them', async () => {
    expect((await sampleData(pictures(2), all(2), { augmentation: changed })).repeats).toBe(false);
    expect((await sampleData(pictures(2), all(2))).repeats).toBe(true);
  });

  it('shifts what stays and fills with black', () => {
    const layout = { layout: 'NCHW', channels: 1, height: 4, width: 4 } as const;
    const levels = Uint8Array.from(all(16), (i) => i + 1);
    const shifts = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const out = augmentPicture(levels, layout, augmentation({ crop: 1 }), createRandom(seed));
      const at = [...out].findIndex((v) => v > 0);
      const [dy, dx] = [Math.floor(at / 4) - Math.floor((out[at]! - 1) / 4), (at % 4) - ((out[at]! - 1) % 4)];
      shifts.add(`${dx},${dy}`);
      out.forEach((v, i) => {
        const [y, x] = [Math.floor(i / 4) - dy, (i % 4) - dx];
        expect(v).toBe(y >= 0 && y < 4 && x >= 0 && x < 4 ? y * 4 + x + 1 : 0);
      });
    }
    expect(shifts.size).toBe(9);
  });

  it('of colour stays within the levels, and does nothing at 0', () => {
    const layout = { layout: 'NHWC', channels: 3, height: 2, width: 2 } as const;
    const levels = Uint8Array.from(all(12), (i) => i * 23);
    const strong = augmentPicture(levels, layout, augmentation({ colour: 1 }), createRandom(1));
    expect(strong).not.toEqual(levels);
    expect(augmentPicture(levels, layout, augmentation({}), createRandom(1))).toEqual(levels);
  });

  it('is refused for data that are not pictures', async () => {
    const flat: DataSource = {
      ...pictures(1),
      preprocessing: null,
      read: async () => ({ id: '0', inputs: { pixels: tensorOf('float32', [1, 4], [1, 2, 3, 4]) } }),
    };
    const wanted = { augmentation: changed };
    await expect(sampleData(flat, [0], wanted)).rejects.toMatchObject({
      code: 'AUGMENTATION_NEEDS_PICTURES',
    });
    const odd = tensorOf('float32', [1, 1, 8, 8], new Float32Array(64).fill(0.1234));
    const noLevels: DataSource = { ...pictures(1), read: async () => ({ id: '0', inputs: { image: odd } }) };
    await expect(sampleData(noLevels, [0], wanted)).rejects.toMatchObject({
      code: 'AUGMENTATION_NEEDS_PICTURES',
    });
  });
});

describe('mixup', () => {
  it('mixes pictures with the one before and gives both labels with the share', async () => {
    const plain = await (await sampleData(pictures(6), all(6))).batch({ indices: all(6), epoch: 0, seed: 1 });
    const data = await sampleData(pictures(6), all(6), { augmentation: augmentation({ mixup: 1 }) });
    const mixed = await data.batch({ indices: all(6), epoch: 0, seed: 1 });
    const [share] = read(mixed['labels.share']) as [number];
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(read(mixed['labels'])).toEqual([0, 1, 0, 1, 0, 1]);
    expect(read(mixed['labels.other'])).toEqual([1, 0, 1, 0, 1, 0]);
    const own = read(plain['image']);
    read(mixed['image']).forEach((v, i) => {
      const before = own[(i + 5 * 64) % (6 * 64)] as number;
      expect(v).toBeCloseTo(share * (own[i] as number) + (1 - share) * before, 4);
    });
  });

  it('draws shares as Beta(α, α) has them, also for small α', () => {
    for (const alpha of [0.01, 0.2, 1, 2]) {
      const random = createRandom(5);
      const shares = all(4000).map(() => betaDraw(alpha, random));
      const mean = shares.reduce((s, v) => s + v, 0) / 4000;
      const variance = shares.reduce((s, v) => s + (v - 0.5) ** 2, 0) / 4000;
      // Of Beta(α, α): mean 1/2, variance 1/(8α + 4); 4 000 draws.
      expect(mean).toBeCloseTo(0.5, 1);
      expect(variance * (8 * alpha + 4)).toBeGreaterThan(0.93);
      expect(variance * (8 * alpha + 4)).toBeLessThan(1.07);
    }
  });
});
