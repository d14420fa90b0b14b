/** What kind of picture a model input takes, read off its shape. */
import type { Port } from '../model/ir/port.ts';
import { type Dim, formatShape } from '../model/ir/type.ts';

export interface PictureInput {
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: 1 | 3;
  /** null where the model leaves it open. */
  readonly height: number | null;
  readonly width: number | null;
  readonly dtype: 'float32' | 'float16' | 'float64' | 'uint8' | 'int8' | 'int32' | 'int64';
}

const pictureTypes: readonly string[] = ['float32', 'float16', 'float64', 'uint8', 'int8', 'int32', 'int64'];

/** "float32 [N,3,224,224]" */
export const formatInput = (port: Port) => `${port.dtype} ${formatShape(port.shape)}`;

/** Rank 4 with a channel axis of 1 or 3, or rank 3 without a batch axis ([3,H,W], [H,W,3]) or without a
 *  channel axis ([N,H,W], grey); null for anything else. A batch axis fixed above 1 is not served: samples
 *  come one by one.
 *  Where both channel places fit, a square of the other two decides, then NCHW. */
export function pictureInput(port: Port): PictureInput | null {
  if (!port.shape || !pictureTypes.includes(port.dtype)) return null;
  const dtype = port.dtype as PictureInput['dtype'];
  const four = port.shape.length === 4 ? port.shape : port.shape.length === 3 ? unbatched(port.shape) : null;
  if (!four || (typeof four[0] === 'number' && four[0] > 1)) return null;
  const [, a, b, c] = four as [Dim, Dim, Dim, Dim];
  const first = channelCount(a);
  const last = channelCount(c);
  const bothFit = first !== null && last !== null;
  if (first && !(bothFit && a === b && b !== c))
    return { layout: 'NCHW', channels: first, height: side(b), width: side(c), dtype };
  if (last) return { layout: 'NHWC', channels: last, height: side(a), width: side(b), dtype };
  return null;
}

const channelCount = (dim: Dim): 1 | 3 | null => (dim === 3 ? 3 : dim === 1 ? 1 : null);
const side = (dim: Dim) => (typeof dim === 'number' ? dim : null);

function unbatched(shape: readonly Dim[]): readonly Dim[] | null {
  const [a, b, c] = shape as [Dim, Dim, Dim];
  if (a === 3 || c === 3 || c === 1) return [1, a, b, c];
  // An open height or width here is more likely a state [layers, batch, hidden] or a sequence.
  return typeof b === 'number' && typeof c === 'number' ? [a, 1, b, c] : null;
}

/** A picture's four sizes under the rank of the input: models without a batch or without a channel axis have rank 3. */
export function dimsAsInput(dims: readonly number[], { shape }: Port): readonly number[] {
  if (shape?.length !== 3) return dims;
  const channelAxis = dims[1] === 1 ? 1 : 3;
  const hasChannels = shape[0] === 3 || shape[2] === 3 || shape[2] === 1;
  return hasChannels ? dims.slice(1) : dims.filter((_, axis) => axis !== channelAxis);
}
