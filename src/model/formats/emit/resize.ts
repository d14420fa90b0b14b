/** Resizing of pictures [batch, height, width, channels]. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { cast, concat, slice, toChannelsFirst, toChannelsLast } from './movement.ts';

export interface ResizeOptions {
  readonly method: 'bilinear' | 'nearest';
  /** Corner cells lie on one another. */
  readonly alignCorners?: boolean;
  /** Cell centres at .5. With neither, cell 0 lies on cell 0. */
  readonly halfPixelCenters?: boolean;
  readonly channelsFirst?: boolean;
}

/** @param size  int32 or int64 [height, width]
 *  Source: tensorflow core/kernels/image/resize_*_op.cc; ONNX Resize-13. */
export function resize(e: Emitter, x: Value, size: Value, options: ResizeOptions): Value {
  const { method, alignCorners = false, halfPixelCenters = false, channelsFirst = false } = options;
  if (alignCorners && halfPixelCenters) e.refuse('align_corners together with half_pixel_centers');
  const dtype = e.dtype(x);
  const first = cast(e, channelsFirst ? x : toChannelsFirst(e, x), method === 'nearest' ? dtype : 'float32');
  const leading = slice(e, e.emit('Shape', [first]), 0, 0, 2);
  const sizes = concat(e, [leading, cast(e, size, 'int64')], 0);
  const y = e.emit('Resize', [first, null, null, sizes], {
    mode: method === 'nearest' ? 'nearest' : 'linear',
    coordinate_transformation_mode: alignCorners
      ? 'align_corners'
      : halfPixelCenters
        ? 'half_pixel'
        : 'asymmetric',
    // TensorFlow's half-pixel nearest is floor((i + 0.5) · scale), which is round-half-up of ONNX's coordinate.
    nearest_mode:
      method === 'nearest' ? (alignCorners || halfPixelCenters ? 'round_prefer_ceil' : 'floor') : undefined,
  });
  return channelsFirst ? y : toChannelsLast(e, y);
}
