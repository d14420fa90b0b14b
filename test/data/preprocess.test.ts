import { describe, expect, it } from 'vitest';
import { geometry, pixelsToTensor } from '../../src/data/pixels.ts';
import {
  fromPreprocessorConfig,
  guessPreprocessing,
  parsePreprocessing,
  preprocessingSchema,
  presetPreprocessing,
} from '../../src/data/preprocess.ts';
import type { Port } from '../../src/model/ir/port.ts';
import { float32Values } from '../../src/model/ir/tensor.ts';

const port = (shape: Port['shape'], dtype: Port['dtype'] = 'float32'): Port => ({ name: 'x', dtype, shape });
const code = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'nothing thrown';
};

describe('guessing from the input', () => {
  it('knows UltraFace by the places of its four grids, at any size', () => {
    const outputs = (places: number) => [{ shape: [1, places, 2] }, { shape: [1, places, 4] }];
    for (const [height, width, places] of [
      [240, 320, 4420],
      [480, 640, 17640],
    ] as const) {
      const { spec, isGuess } = guessPreprocessing(port([1, 3, height, width]), outputs(places));
      expect(spec).toMatchObject({
        ...{ name: 'UltraFace', scale: 1, mean: [127], std: [128], channels: 'RGB' },
        resize: { mode: 'exact', size: { width, height } },
      });
      expect(isGuess).toBe(false);
    }
    expect(guessPreprocessing(port([1, 3, 240, 320]), outputs(4000)).spec.name).toBe('imagenet');
  });

  it.each([
    [['N', 3, 224, 224], 'NCHW', 'RGB', 'imagenet', 256, 224],
    [['N', 96, 96, 3], 'NHWC', 'RGB', 'tf', 110, 96],
    [[1, 1, 28, 28], 'NCHW', 'L', '0-1', 28, 28],
    [[null, 28, 28, 1], 'NHWC', 'L', '0-1', 28, 28],
    [['N', 3, null, null], 'NCHW', 'RGB', 'imagenet', 256, 224],
    [[3, 64, 64], 'NCHW', 'RGB', 'imagenet', 73, 64],
  ] as const)('%j is %s %s, "%s"', (shape, layout, channels, name, size, crop) => {
    const { spec, guessed, isGuess } = guessPreprocessing(port(shape));
    expect(spec).toMatchObject({
      name,
      layout,
      channels,
      resize: { mode: 'shorter-side', size },
      crop: { width: crop, height: crop },
    });
    expect(guessed[0]).toContain(`"${name}"`);
    expect(isGuess).toBe(true);
  });

  it('stretches to an input that is not square, as detectors are fed', () => {
    const { spec } = guessPreprocessing(port([1, 3, 240, 320]));
    expect(spec.resize).toMatchObject({ mode: 'exact', size: { width: 320, height: 240 } });
    expect(spec.crop).toBeNull();
  });

  it('leaves integers unnormalised', () => {
    const { spec } = guessPreprocessing(port([1, 224, 224, 3], 'uint8'));
    expect(spec).toMatchObject({ name: '0-255', scale: 1, dtype: 'uint8' });
  });

  describe('of quantised integers', () => {
    const coded = (dtype: 'uint8' | 'int8', scale: number, zeroPoint: number): Port => ({
      ...port([1, 3, 32, 32], dtype),
      steps: { dtype, scale, zeroPoint },
    });

    // From (0 − 0.485)/0.229 to (1 − 0.406)/0.225 in 255 steps.
    it.each([
      ['imagenet', coded('int8', 0.018658, -14)],
      ['imagenet', coded('uint8', 0.018658, 114)],
      ['tf', coded('int8', 2 / 255, 0)],
      ['0-1', coded('uint8', 1 / 255, 0)],
      ['0-255', coded('uint8', 0.02, 3)],
    ] as const)('takes the range that codes stand for: %s', (name, input) => {
      expect(guessPreprocessing(input).spec.name).toBe(name);
    });

    it('makes codes of the numbers that a preset named makes, and leaves pixels that are to stay', () => {
      const input = coded('uint8', 0.018658, 114);
      const { mean, std, scale } = presetPreprocessing('imagenet', input).spec;
      // 0.485 of a red pixel is 0, the code of which is 114.
      expect((0.485 * 255 * scale - mean[0]!) / std[0]!).toBeCloseTo(114, 9);
      expect(std[0]! / 0.018658).toBeCloseTo(0.229, 9);
      expect(presetPreprocessing('0-255', input).spec).toMatchObject({ scale: 1, mean: [0], std: [1] });
    });
  });

  it.each([[['N', 10]], [['N', 4, 8, 8]], [[8, 3, 32, 32]], [null]] as const)('refuses %j', (shape) => {
    expect(code(() => guessPreprocessing(port(shape)))).toBe('CALIBRATION_SHAPE');
  });

  it('lists the presets when a name is unknown', () => {
    expect(code(() => presetPreprocessing('imagnet', port([1, 3, 8, 8])))).toBe('UNKNOWN_PREPROCESSING');
  });
});

describe('geometry', () => {
  const spec = (json: object) => preprocessingSchema.parse(json);
  const imagenet = spec({
    resize: { mode: 'shorter-side', size: 256 },
    crop: { width: 224, height: 224 },
  });

  it('resizes the shorter side, truncates the longer as torchvision does, and cuts the centre', () => {
    expect(geometry(imagenet, 500, 333)).toEqual({
      resizeTo: { width: 384, height: 256 },
      box: { left: 80, top: 16, width: 224, height: 224 },
    });
  });

  it('does not resize a picture whose shorter side is right, and starts an odd crop at the lower pixel', () => {
    expect(geometry(imagenet, 341, 256)).toEqual({
      resizeTo: null,
      box: { left: 58, top: 16, width: 224, height: 224 },
    });
  });

  it('leaves a picture alone that has the size of the crop', () => {
    expect(geometry(imagenet, 224, 224)).toEqual({
      resizeTo: null,
      box: { left: 0, top: 0, width: 224, height: 224 },
    });
  });

  it('pads to contain and cuts to cover', () => {
    const size = { width: 100, height: 100 };
    expect(geometry(spec({ resize: { mode: 'contain', size } }), 50, 25)).toEqual({
      resizeTo: { width: 100, height: 50 },
      box: { left: 0, top: -25, width: 100, height: 100 },
    });
    expect(geometry(spec({ resize: { mode: 'cover', size } }), 50, 25)).toEqual({
      resizeTo: { width: 200, height: 100 },
      box: { left: 50, top: 0, width: 100, height: 100 },
    });
  });
});

describe('pixels to numbers', () => {
  // 2×1 picture: one red-ish, one blue-ish pixel.
  const pixels = { data: Uint8Array.of(255, 0, 51, 0, 102, 204), width: 2, height: 1 };
  const whole = { left: 0, top: 0, width: 2, height: 1 };
  const values = (json: object, box = whole) =>
    Array.from(float32Values(pixelsToTensor(pixels, box, preprocessingSchema.parse(json))));

  it('puts channels first or last', () => {
    expect(values({})).toEqual([255, 0, 0, 102, 51, 204]);
    expect(values({ layout: 'NHWC' })).toEqual([255, 0, 51, 0, 102, 204]);
  });

  it('applies mean and std in the order of the channels: caffe subtracts the blue mean from blue', () => {
    const { spec } = presetPreprocessing('caffe', port([1, 3, 1, 2]));
    const [b0, b1, g0, g1, r0, r1] = values(spec);
    expect([b0, b1]).toEqual([51 - 103.939, 204 - 103.939].map(Math.fround));
    expect([g0, g1]).toEqual([0 - 116.779, 102 - 116.779].map(Math.fround));
    expect([r0, r1]).toEqual([255 - 123.68, 0 - 123.68].map(Math.fround));
  });

  it('maps 0 and 255 to −1 and 1 with tf', () => {
    const { spec } = presetPreprocessing('tf', port([1, 2, 2, 3]));
    expect(values(spec).slice(0, 2)).toEqual([1, -1]);
  });

  it('weighs luma as PIL does, exactly for grey', () => {
    expect(values({ channels: 'L' })).toEqual([82, 83]);
    const grey = { data: Uint8Array.of(77, 77, 77, 200, 200, 200), width: 2, height: 1 };
    const spec = preprocessingSchema.parse({ channels: 'L', dtype: 'uint8' });
    expect(Array.from(pixelsToTensor(grey, whole, spec).bytes())).toEqual([77, 200]);
  });

  it('pads with the pixel value that the spec names, normalised like any other', () => {
    const box = { left: -1, top: 0, width: 3, height: 1 };
    expect(values({ scale: 0.5, pad: 10, channels: 'L' }, box)).toEqual([5, 41, 41.5]);
  });
});

describe('preprocessor_config.json', () => {
  it('reads ViT: a plain size is a square, mean and std a half', () => {
    const spec = fromPreprocessorConfig({
      do_normalize: true,
      do_resize: true,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
      resample: 2,
      size: 224,
    });
    expect(spec).toMatchObject({
      resize: { mode: 'exact', size: { width: 224, height: 224 }, kernel: 'linear' },
      crop: null,
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
    });
  });

  it('reads CLIP: shorter side 224, bicubic, centre crop', () => {
    const spec = fromPreprocessorConfig({
      crop_size: { height: 224, width: 224 },
      do_center_crop: true,
      do_normalize: true,
      do_rescale: true,
      rescale_factor: 0.00392156862745098,
      do_resize: true,
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
      resample: 3,
      size: { shortest_edge: 224 },
    });
    expect(spec.resize).toEqual({ mode: 'shorter-side', size: 224, kernel: 'cubic' });
    expect(spec.crop).toEqual({ width: 224, height: 224 });
  });

  it('reads ConvNeXt: below 384 the picture is made larger by crop_pct first', () => {
    const spec = fromPreprocessorConfig({
      crop_pct: 0.875,
      do_resize: true,
      image_mean: [0.485, 0.456, 0.406],
      image_std: [0.229, 0.224, 0.225],
      resample: 3,
      size: { shortest_edge: 224 },
    });
    expect(spec.resize).toMatchObject({ mode: 'shorter-side', size: 256 });
    expect(spec.crop).toEqual({ width: 224, height: 224 });
  });

  it('reads EfficientNet: an offset of −1 goes into the mean', () => {
    const spec = fromPreprocessorConfig({
      do_rescale: true,
      rescale_factor: 1 / 127.5,
      rescale_offset: true,
      do_normalize: true,
      image_mean: [0.485],
      image_std: [0.229],
      size: { height: 346, width: 346 },
      resample: 0,
    });
    expect(spec.mean[0]).toBeCloseTo(1.485, 12);
    expect(spec.resize).toMatchObject({ mode: 'exact', kernel: 'nearest' });
  });

  it('takes layout, channels and type from the input', () => {
    const { spec } = parsePreprocessing({ do_resize: false }, 'f.json', port([1, 28, 28, 1], 'float16'));
    expect(spec).toMatchObject({ layout: 'NHWC', channels: 'L', dtype: 'float16', name: 'f.json' });
  });

  it.each([
    [{ do_resize: true }],
    [{ do_normalize: true }],
    [{ size: 'big', do_resize: true }],
    [{ size: 8, resample: 9 }],
    [{ reszie: { mode: 'none' } }],
    [{ std: [0] }],
    ['text'],
  ])('refuses %j', (json) => {
    expect(code(() => parsePreprocessing(json, 'f.json', port([1, 3, 8, 8])))).toBe('PREPROCESSING_INVALID');
  });
});
