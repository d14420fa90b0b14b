/** How a picture becomes a model input: a small spec that is data (it goes into reports and bundles), named
 *  presets for the conventions of the field, and readers for specs that others wrote. Pixel work itself is
 *  in pixels.ts. */
import { z } from 'zod';
import { normalisationInCodes } from '../model/ir/card.ts';
import { dtypes } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import { calibrationShape, preprocessingInvalid, unknownPreprocessing } from '../support/diagnostics/data.ts';
import { familyOf } from './picture-families.ts';
import { formatInput, type PictureInput, pictureInput } from './picture-input.ts';

const pixels = z.int().positive();
const kernel = z.enum(['nearest', 'linear', 'cubic', 'lanczos3']);
const box = z.strictObject({ width: pixels, height: pixels });

export const preprocessingSchema = z.strictObject({
  /** A preset's name, a file's name, or "custom". */
  name: z.string().default('custom'),
  /** shorter-side: keep the aspect, `size` for the shorter side. exact: stretch. contain: keep the aspect,
   *  pad with `pad`. cover: keep the aspect, cut what stands over. A picture that already has the final
   *  size is left alone. */
  resize: z
    .discriminatedUnion('mode', [
      z.strictObject({ mode: z.literal('none') }),
      z.strictObject({ mode: z.literal('shorter-side'), size: pixels, kernel: kernel.default('linear') }),
      z.strictObject({
        mode: z.enum(['exact', 'contain', 'cover']),
        size: box,
        kernel: kernel.default('linear'),
      }),
    ])
    .default({ mode: 'none' }),
  /** Cut from the centre after resizing; padded with `pad` where the picture is smaller. */
  crop: box.nullable().default(null),
  /** Pixel value (0 to 255) of padding. */
  pad: z.int().min(0).max(255).default(0),
  /** value = (pixel · scale − mean) / std, pixel 0 to 255; one number for all channels or one each, in the
   *  order of `channels`. */
  scale: z.number().default(1),
  mean: z.array(z.number()).min(1).max(3).default([0]),
  std: z
    .array(z.number().refine((s) => s !== 0, 'must not be 0'))
    .min(1)
    .max(3)
    .default([1]),
  layout: z.enum(['NCHW', 'NHWC']).default('NCHW'),
  /** L is luma, ITU-R 601. */
  channels: z.enum(['RGB', 'BGR', 'L']).default('RGB'),
  dtype: z.enum(['float32', 'float16', 'float64', 'uint8', 'int8', 'int32', 'int64']).default('float32'),
});

export type Preprocessing = z.infer<typeof preprocessingSchema>;
export type Kernel = z.infer<typeof kernel>;

/** A spec together with what was assumed to arrive at it, in plain words. */
export interface FittedPreprocessing {
  readonly spec: Preprocessing;
  readonly guessed: readonly string[];
  /** Whether the normalisation itself was guessed; nobody named one. */
  readonly isGuess: boolean;
}

type Normalisation = Pick<Preprocessing, 'scale' | 'mean' | 'std'> & { order?: 'BGR'; margin: number };

const imagenetMean = [0.485, 0.456, 0.406];
const imagenetStd = [0.229, 0.224, 0.225];

/** `margin` is how much larger than the crop the picture is made first: 256 for a crop of 224. */
const presets = {
  imagenet: { scale: 1 / 255, mean: imagenetMean, std: imagenetStd, margin: 256 / 224 },
  tf: { scale: 1 / 127.5, mean: [1], std: [1], margin: 256 / 224 },
  caffe: { scale: 1, mean: [103.939, 116.779, 123.68], std: [1], order: 'BGR', margin: 256 / 224 },
  '0-1': { scale: 1 / 255, mean: [0], std: [1], margin: 1 },
  '0-255': { scale: 1, mean: [0], std: [1], margin: 1 },
  none: { scale: 1, mean: [0], std: [1], margin: 0 },
} satisfies Record<string, Normalisation>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];
export const isPreset = (name: string): name is PresetName => Object.hasOwn(presets, name);

/** Whether a preset leaves pixels about as large as they are, 0 to 255. */
export const isOfLargeRange = (name: string): boolean => isPreset(name) && presets[name].scale === 1;

/** Side of a square crop where the model leaves height and width open. */
const openSide = 224;

/** A preset made to fit an input: its layout, size, channels and type.
 *  imagenet, tf and caffe resize the shorter side to 256/224 of the crop and cut the centre; 0-1 and 0-255
 *  cover the input; none takes pictures as they are. An input that is not square is stretched to, as
 *  detectors are trained.
 *  @throws UNKNOWN_PREPROCESSING for other names; CALIBRATION_SHAPE when the input is not a picture */
export function presetPreprocessing(name: string, port: Port): FittedPreprocessing {
  if (!isPreset(name)) throw unknownPreprocessing(name, presetNames);
  const input = requirePicture(port);
  const preset: Normalisation = presets[name];
  const grey = input.channels === 1;
  const guessed = [describe(input, port)];
  const side = { width: input.width ?? openSide, height: input.height ?? openSide };
  if (preset.margin > 0 && (input.width === null || input.height === null))
    guessed.push(`size ${side.height}×${side.width}, because the input leaves it open`);
  if (grey && preset.mean.length === 3)
    guessed.push('one channel: luma, normalised with the mean of the three channels');
  const mean = grey ? [average(preset.mean)] : preset.mean;
  const std = grey ? [average(preset.std)] : preset.std;
  // Pixels as they are stay so; a normalisation is of the numbers that integers stand for.
  const { steps } = port;
  const isCoded = steps !== undefined && name !== '0-255' && name !== 'none';
  if (isCoded) guessed.push(`quantised to ${steps.dtype} with the scale of the input`);
  return {
    spec: {
      name,
      ...geometryOf(preset.margin, side),
      pad: 0,
      scale: preset.scale,
      ...(isCoded ? normalisationInCodes({ mean, std }, steps) : { mean, std }),
      layout: input.layout,
      channels: grey ? 'L' : (preset.order ?? 'RGB'),
      dtype: input.dtype,
    },
    guessed,
    isGuess: false,
  };
}

function geometryOf(margin: number, side: { width: number; height: number }) {
  if (margin === 0) return { resize: { mode: 'none' } as const, crop: null };
  if (side.width !== side.height)
    return { resize: { mode: 'exact', size: side, kernel: 'linear' } as const, crop: null };
  const size = Math.round(side.width * margin);
  return { resize: { mode: 'shorter-side', size, kernel: 'linear' } as const, crop: side };
}

const average = (values: readonly number[]) =>
  Math.round((values.reduce((a, b) => a + b, 0) / values.length) * 1e4) / 1e4;

/** Presets that an input may be meant for, the likeliest first. Integers are pixels as they are. Three float channels
 *  stored last come from TensorFlow, whose image networks mostly take −1 … 1; stored first from PyTorch and its kin. */
export function likelyPresets({
  dtype,
  channels,
  layout,
}: PictureInput): readonly [PresetName, ...PresetName[]] {
  if (!dtype.startsWith('float')) return ['0-255'];
  if (channels === 1) return ['0-1', 'tf', '0-255'];
  return layout === 'NHWC'
    ? ['tf', '0-1', 'imagenet', '0-255', 'caffe']
    : ['imagenet', '0-1', 'tf', '0-255', 'caffe'];
}

/** The preset whose numbers fill the range that the codes of an input can stand for, give or take a tenth of it: where the darkest
 *  and the brightest pixel lie was found on pictures. */
function presetInCodes({ steps }: Port, input: PictureInput): PresetName | undefined {
  if (!steps) return undefined;
  const { min, max } = dtypes[steps.dtype];
  const [low, high] = [min!, max!].map((code) => (code - steps.zeroPoint) * steps.scale) as [number, number];
  const isNear = (a: number, b: number) => Math.abs(a - b) <= 0.1 * (high - low);
  return likelyPresets({ ...input, dtype: 'float32' }).find((name) => {
    const { scale, mean, std }: Normalisation = presets[name];
    const ends = (pixel: number) => mean.map((m, i) => (pixel * scale - m) / std[i % std.length]!);
    return isNear(Math.min(...ends(0)), low) && isNear(Math.max(...ends(255)), high);
  });
}

/** What the model says; else what its family takes, or the likeliest preprocessing for an input.
 *  @param outputs  of the model, which may show its family
 *  @throws CALIBRATION_SHAPE when the input is not a picture; PREPROCESSING_INVALID */
export function guessPreprocessing(
  port: Port,
  outputs: readonly Pick<Port, 'shape'>[] = [],
): FittedPreprocessing {
  if (port.preprocessing !== undefined) return parsePreprocessing(port.preprocessing, 'the model', port);
  const input = requirePicture(port);
  const family = familyOf(input, outputs);
  if (family) {
    const { spec, guessed } = presetPreprocessing('0-255', port);
    const { name, mean, std } = family;
    const how = `preprocessing of ${name} (x − ${mean.join(', ')}) / ${std.join(', ')}, whose outputs the model has`;
    return {
      spec: { ...spec, name, mean: [...mean], std: [...std] },
      guessed: [how, ...guessed],
      isGuess: false,
    };
  }
  const [likely] = likelyPresets(input);
  const name = presetInCodes(port, input) ?? likely;
  const { spec, guessed } = presetPreprocessing(name, port);
  return { spec, guessed: [`preprocessing "${name}", from ${formatInput(port)}`, ...guessed], isGuess: true };
}

/** A spec that somebody wrote (ours, or a preprocessor_config.json), completed and made to fit an input.
 *  @param where  the file, for messages
 *  @throws PREPROCESSING_INVALID */
export function parsePreprocessing(json: unknown, where: string, port: Port): FittedPreprocessing {
  const input = requirePicture(port);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw preprocessingInvalid(where, 'not an object');
  const foreign = Object.keys(json).some((key) => key.startsWith('do_') || key.startsWith('image_'));
  const spec = foreign
    ? fromPreprocessorConfig(json, where)
    : parseOwn({ name: where, layout: input.layout, dtype: input.dtype, ...json }, where);
  const grey = input.channels === 1;
  return {
    spec: {
      ...spec,
      ...(foreign ? { name: where, layout: input.layout, dtype: input.dtype } : {}),
      ...(grey && spec.channels !== 'L'
        ? { channels: 'L', mean: [average(spec.mean)], std: [average(spec.std)] }
        : {}),
    },
    guessed: foreign ? [describe(input, port)] : [],
    isGuess: false,
  };
}

function parseOwn(json: unknown, where: string): Preprocessing {
  const parsed = preprocessingSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw preprocessingInvalid(where, `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
}

function requirePicture(port: Port): PictureInput {
  const input = pictureInput(port);
  if (!input)
    throw calibrationShape(
      'The data',
      'pictures',
      port.name,
      formatInput(port),
      'Pass a .npy or .npz file with arrays of that shape.',
    );
  return input;
}

const describe = (input: PictureInput, port: Port) =>
  `layout ${input.layout}, ${input.channels} channel${input.channels === 3 ? 's' : ''}, from ${formatInput(port)}`;

// --- preprocessor_config.json of Hugging Face
// ------------------------------------------------------------------

const sizeSchema = z.union([
  z.number().transform((side) => ({ side, shortest_edge: null, height: null, width: null })),
  z.object({
    side: z.undefined().optional(),
    shortest_edge: z.number().nullish(),
    height: z.number().nullish(),
    width: z.number().nullish(),
  }),
]);

const configSchema = z.looseObject({
  do_resize: z.boolean().nullish(),
  size: sizeSchema.nullish(),
  resample: z.number().nullish(),
  crop_pct: z.number().nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: sizeSchema.nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().nullish(),
  rescale_offset: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: z.union([z.number().transform((m) => [m]), z.array(z.number())]).nullish(),
  image_std: z.union([z.number().transform((s) => [s]), z.array(z.number())]).nullish(),
});
type Config = z.infer<typeof configSchema>;

/** PIL's codes; box (4) and hamming (5) have no twin in libvips and become linear, which is antialiased
 *  too. */
const kernels: Readonly<Record<number, Kernel>> = {
  0: 'nearest',
  1: 'lanczos3',
  2: 'linear',
  3: 'cubic',
  4: 'linear',
  5: 'linear',
};

/** The preprocessing that a Hugging Face preprocessor_config.json describes, for NCHW float32 RGB.
 *  A plain-number `size` means the shorter side when a centre crop follows and a square otherwise, as the
 *  older feature extractors read it. `crop_pct` is ConvNeXt's: below 384 the shorter side becomes size /
 *  crop_pct, then the centre is cut.
 *  @throws PREPROCESSING_INVALID naming the key
 *  @see huggingface.co/docs/transformers, image processors */
export function fromPreprocessorConfig(json: unknown, where = 'preprocessor_config.json'): Preprocessing {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw preprocessingInvalid(where, `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
  }
  const config = parsed.data;
  const rescales = config.do_rescale ?? true;
  const scale = rescales ? (config.rescale_factor ?? 1 / 255) : 1;
  const normalises = config.do_normalize ?? Boolean(config.image_mean);
  if (normalises && !(config.image_mean && config.image_std))
    throw preprocessingInvalid(where, 'do_normalize needs image_mean and image_std');
  const mean = normalises ? config.image_mean! : [0];
  return parseOwn(
    {
      name: where,
      ...configGeometry(config, where),
      scale,
      mean: rescales && config.rescale_offset ? mean.map((m) => m + 1) : mean,
      std: normalises ? config.image_std! : [1],
    },
    where,
  );
}

function configGeometry(config: Config, where: string) {
  const crops = config.do_center_crop ?? false;
  const crop = crops ? square(config.crop_size ?? config.size, where, 'crop_size') : null;
  if (!(config.do_resize ?? Boolean(config.size))) return { resize: { mode: 'none' as const }, crop };
  const size = config.size;
  if (!size) throw preprocessingInvalid(where, 'do_resize needs a size');
  const code = config.resample ?? 2;
  const kernel = kernels[code];
  if (!kernel) throw preprocessingInvalid(where, `resample ${code} is not one of PIL's codes 0 to 5`);
  const shorter = size.side === undefined ? size.shortest_edge : crops || config.crop_pct ? size.side : null;
  if (shorter == null)
    return { resize: { mode: 'exact' as const, size: square(size, where, 'size'), kernel }, crop };
  if (config.crop_pct) {
    const box = { width: shorter, height: shorter };
    return shorter < 384
      ? {
          resize: { mode: 'shorter-side' as const, size: Math.trunc(shorter / config.crop_pct), kernel },
          crop: box,
        }
      : { resize: { mode: 'exact' as const, size: box, kernel }, crop };
  }
  return { resize: { mode: 'shorter-side' as const, size: shorter, kernel }, crop };
}

function square(size: Config['size'], where: string, key: string) {
  if (size?.side) return { width: size.side, height: size.side };
  if (size?.height && size.width) return { width: size.width, height: size.height };
  if (size?.shortest_edge) return { width: size.shortest_edge, height: size.shortest_edge };
  throw preprocessingInvalid(where, `${key} needs a number, shortest_edge, or height and width`);
}
