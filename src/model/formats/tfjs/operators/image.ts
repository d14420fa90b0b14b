/** Resizing and cropping of pictures. */
import { cast, type ResizeOptions, resize } from '../emit/index.ts';
import { inputOf, type Operator, type OperatorTable } from './operator.ts';

const resized =
  (method: ResizeOptions['method']): Operator =>
  (call) =>
    resize(call.e, inputOf(call, 0), cast(call.e, inputOf(call, 1), 'int32'), {
      method,
      alignCorners: call.attributes.bool('align_corners', false),
      halfPixelCenters: call.attributes.bool('half_pixel_centers', false),
    });

export const imageOperators: OperatorTable = {
  ResizeBilinear: resized('bilinear'),
  ResizeNearestNeighbor: resized('nearest'),
};
