/** Pictures as a page has them, read as pixels. Transparent pictures: a canvas keeps colours multiplied by
 *  alpha, so nearly invisible pixels lose their colour; the CLI drops alpha and keeps it. ImageData is exact. */
import { EdgepressError, messageOf } from './errors.ts';
import type { Rgba } from './resample.ts';

export type ImageSource =
  | ImageBitmap
  | ImageData
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLImageElement
  | HTMLVideoElement
  | VideoFrame;

/** By tag, so that pictures of another frame or window count too. */
const tag = /^\[object (ImageBitmap|ImageData|OffscreenCanvas|VideoFrame|HTML(Image|Canvas|Video)Element)\]$/;

export const isImageSource = (value: unknown): value is ImageSource =>
  tag.test(Object.prototype.toString.call(value));

export const isImageData = (source: ImageSource): source is ImageData =>
  Object.prototype.toString.call(source) === '[object ImageData]';

/** Natural size; images that are not loaded yet have none. */
function sizeOf(source: Exclude<ImageSource, ImageData>): { width: number; height: number } {
  if ('videoWidth' in source) return { width: source.videoWidth, height: source.videoHeight };
  if ('naturalWidth' in source) return { width: source.naturalWidth, height: source.naturalHeight };
  if ('displayWidth' in source) return { width: source.displayWidth, height: source.displayHeight };
  return source;
}

/** @throws INPUT_INVALID when it has no pixels yet, or none that the page may read */
export function requireSize(source: ImageSource): { width: number; height: number } {
  const { width, height } = isImageData(source) ? source : sizeOf(source);
  if (width > 0 && height > 0) return { width, height };
  throw new EdgepressError(
    'INPUT_INVALID',
    'The picture has no pixels yet: wait for img.decode(), or for the first frame of the video.',
  );
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Reads pixels through one canvas that is kept from picture to picture. */
export function createPixelReader(): (source: ImageSource) => Rgba {
  let context: Context | null = null;
  return (source) => {
    const { width, height } = requireSize(source);
    if (isImageData(source)) return source as Rgba;
    context ??= openCanvas();
    const { canvas } = context;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.globalCompositeOperation = 'copy';
    try {
      context.drawImage(source, 0, 0, width, height);
      return context.getImageData(0, 0, width, height, { colorSpace: 'srgb' });
    } catch (cause) {
      throw new EdgepressError('INPUT_INVALID', `The picture can't be read: ${messageOf(cause)}`, cause);
    }
  };
}

function openCanvas(): Context {
  const settings = { willReadFrequently: true } as const;
  const context =
    typeof OffscreenCanvas === 'function'
      ? new OffscreenCanvas(1, 1).getContext('2d', settings)
      : globalThis.document?.createElement('canvas').getContext('2d', settings);
  if (context) return context as Context;
  throw new EdgepressError(
    'INPUT_INVALID',
    'Pictures need a canvas, which this place has not; pass ImageData.',
  );
}
