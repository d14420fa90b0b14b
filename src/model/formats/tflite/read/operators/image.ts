/** Resizing of pictures. */
import { type ResizeOptions, resize } from '../../../emit/index.ts';
import { flag, inputOf, type Operator, type OperatorTable } from './operator.ts';

const resized =
  (method: ResizeOptions['method']): Operator =>
  (call) =>
    resize(call.e, inputOf(call, 0), inputOf(call, 1), {
      method,
      alignCorners: flag(call, 'alignCorners'),
      halfPixelCenters: flag(call, 'halfPixelCenters'),
    });

export const imageOperators: OperatorTable = {
  RESIZE_BILINEAR: resized('bilinear'),
  RESIZE_NEAREST_NEIGHBOR: resized('nearest'),
};
