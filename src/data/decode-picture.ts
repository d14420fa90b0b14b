/** Decodes pictures through sharp (libvips): EXIF orientation applied, any colour space to 8-bit sRGB,
 *  alpha dropped, the first frame of an animation. Dropping alpha (rather than blending it with a colour)
 *  is what PIL's convert('RGB') and
 *  TensorFlow's decode_png(channels=3) do, so a network was trained that way. */
import sharp, { type Sharp } from 'sharp';
import type { Tensor } from '../model/ir/tensor.ts';
import type { Drawing } from './drawing.ts';
import { geometry, type Pixels, pixelsToTensor } from './pixels.ts';
import type { Preprocessing } from './preprocess.ts';

/** A picture file's bytes, or bare pixels with their size. */
export interface EncodedPicture {
  readonly data: Uint8Array;
  readonly raw?: { readonly width: number; readonly height: number; readonly channels: 1 | 3 };
}

const open = ({ data, raw }: EncodedPicture): Sharp =>
  // 'error': a truncated file is refused, a mere warning (odd bytes between JPEG markers) is not.
  sharp(data, { failOn: 'error', autoOrient: true, ...(raw ? { raw } : {}) });

/** The model input for a picture, and nothing larger kept.
 *  @returns [1,C,H,W] or [1,H,W,C] as the spec says
 *  @throws what sharp throws when the picture can't be decoded */
export async function decodePicture(picture: EncodedPicture, spec: Preprocessing): Promise<Tensor> {
  const { width, height, hasAlpha } = await pictureFacts(picture);
  const { resizeTo, box } = geometry(spec, width, height);
  if (!resizeTo) return pixelsToTensor(await toPixels(open(picture)), box, spec);
  const kernel = spec.resize.mode === 'none' ? 'linear' : spec.resize.kernel;
  // With alpha present sharp would weigh colours by it while resizing; it goes first, in a step of its own.
  const opaque = hasAlpha ? await toPixels(open(picture)) : null;
  const image = opaque
    ? sharp(opaque.data, { raw: { width: opaque.width, height: opaque.height, channels: 3 } })
    : open(picture);
  // fastShrinkOnLoad would let libjpeg do most of the work, at the price of pixels that differ from a
  // trainer's.
  const resized = image.resize({ ...resizeTo, fit: 'fill', kernel, fastShrinkOnLoad: false });
  return pixelsToTensor(await toPixels(resized), box, spec);
}

async function toPixels(image: Sharp): Promise<Pixels> {
  const { data, info } = await image
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data: channels === 1 ? tripled(data) : data, width, height };
}

function tripled(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i]!, i * 3, i * 3 + 3);
  return rgb;
}

interface PictureFacts {
  /** After EXIF orientation. */
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
}

/** Read off the header. */
export async function pictureFacts(picture: EncodedPicture): Promise<PictureFacts> {
  if (picture.raw) return { ...picture.raw, hasAlpha: false };
  const { autoOrient, hasAlpha } = await open(picture).metadata();
  return { width: autoOrient.width, height: autoOrient.height, hasAlpha: hasAlpha ?? false };
}

/** A PNG data URL that fits into `side` × `side`. */
export async function thumbnail(picture: EncodedPicture, side = 96): Promise<string> {
  const png = await open(picture)
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .png({ compressionLevel: 9 })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** A JPEG data URL of what the model sees of a picture, resized and cut as the spec says, with a drawing on it. */
export async function drawnPicture(
  picture: EncodedPicture,
  spec: Preprocessing,
  drawing: Drawing,
  side = 320,
): Promise<string> {
  const seen = await decodePicture(picture, { ...spec, ...asSeen });
  const [, rows, columns] = seen.dims as [number, number, number];
  const factor = Math.min(1, side / Math.max(rows, columns));
  const [width, height] = [columns, rows].map((n) => Math.max(1, Math.round(n * factor))) as [number, number];
  const small = await sharp(seen.bytes(), { raw: { width: columns, height: rows, channels: 3 } })
    .resize({ width, height, fit: 'fill' })
    .composite([{ input: Buffer.from(drawing.paint(width, height)), raw: { width, height, channels: 4 } }])
    .jpeg({ quality: 80, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return `data:image/jpeg;base64,${small.toString('base64')}`;
}

/** Pixels as they are, for people. */
const asSeen = {
  ...{ scale: 1, mean: [0], std: [1] },
  ...{ layout: 'NHWC', channels: 'RGB', dtype: 'uint8' },
} as const satisfies Partial<Preprocessing>;
