/** PNG masks: a class index in every pixel, grey or by the place of its colour in the palette. */
import sharp from 'sharp';
import { labelsInvalid } from '../../support/diagnostics/data.ts';
import { type MaskLabels, unlabelledPlace } from '../label.ts';
import type { Placement } from './annotations.ts';

export interface Mask {
  readonly width: number;
  readonly height: number;
  /** Row by row. */
  readonly classes: Uint8Array;
}

const [grey, palette] = [0, 3];

/** @throws LABELS_INVALID */
export async function decodeMask(bytes: Uint8Array, name: string): Promise<Mask> {
  const header = headerOf(bytes);
  if (!header) throw labelsInvalid(name, 'masks are PNG files, and this is none');
  const { depth, colour } = header;
  if (colour !== grey && colour !== palette)
    throw labelsInvalid(name, 'its pixels are colours; a mask holds class indices, grey or by a palette');
  if (depth > 8) throw labelsInvalid(name, `${depth} bits a pixel; class indices of masks have 8 at most`);
  const { data, info } = await sharp(bytes, { failOn: 'error' })
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw labelsInvalid(name, "it can't be decoded", cause);
    });
  const { width, height, channels } = info;
  const pixel = (i: number) => data[i * channels]!;
  if (colour === grey) {
    // Fewer bits were stretched to 0 … 255.
    const unit = 255 / (2 ** depth - 1);
    const classes = Uint8Array.from({ length: width * height }, (_, i) => Math.round(pixel(i) / unit));
    return { width, height, classes };
  }
  const places = paletteOf(bytes, name);
  const classes = new Uint8Array(width * height);
  for (let i = 0; i < classes.length; i++) {
    const at = i * channels;
    const rgb = channels < 3 ? pixel(i) * 0x10101 : (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
    classes[i] = places.get(rgb) ?? unlabelledPlace;
  }
  return { width, height, classes };
}

const signature = [0x89, 0x50, 0x4e, 0x47];

/** Of the IHDR chunk, which is the first. */
function headerOf(bytes: Uint8Array): { readonly depth: number; readonly colour: number } | null {
  if (bytes.length < 33 || !signature.every((byte, i) => bytes[i] === byte)) return null;
  return { depth: bytes[24]!, colour: bytes[25]! };
}

/** Place of each colour; the first where two are alike. Chunks: length, name, content, checksum. */
function paletteOf(bytes: Uint8Array, name: string): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) !== 'PLTE') continue;
    const size = Math.min(view.getUint32(at), bytes.length - at - 12, 768);
    const places = new Map<number, number>();
    for (let i = Math.floor(size / 3) - 1; i >= 0; i--)
      places.set(view.getUint32(at + 7 + 3 * i) & 0xffffff, i);
    return places;
  }
  throw labelsInvalid(name, 'its palette is missing');
}

/** The class of each place of what the model sees; where that is padding, none counts.
 *  @throws LABELS_INVALID for a mask of another shape than its picture */
export function placeMask(mask: Mask, { width, height, geometry }: Placement, name: string): MaskLabels {
  const ratio = mask.width / mask.height / (width / height);
  if (ratio < 0.98 || ratio > 1.02)
    throw labelsInvalid(
      name,
      `it has ${mask.width}×${mask.height} pixels, and its picture ${width}×${height}`,
    );
  const { resizeTo, box } = geometry;
  const size = resizeTo ?? { width, height };
  const classes = new Uint8Array(box.width * box.height).fill(unlabelledPlace);
  for (let y = 0; y < box.height; y++) {
    const row = y + box.top;
    if (row < 0 || row >= size.height) continue;
    const from = Math.floor(((row + 0.5) * mask.height) / size.height) * mask.width;
    for (let x = 0; x < box.width; x++) {
      const column = x + box.left;
      if (column < 0 || column >= size.width) continue;
      classes[y * box.width + x] =
        mask.classes[from + Math.floor(((column + 0.5) * mask.width) / size.width)]!;
    }
  }
  return { kind: 'mask', height: box.height, width: box.width, classes };
}
