import type { Attributes } from '../../../../src/compute/autodiff/emitter.ts';
import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

const floatList = (values: readonly number[]) => tensorOf('float32', [values.length], values);

const scaled = (
  name: string,
  scales: readonly number[],
  attributes: Attributes,
  torch?: string,
  input: readonly number[] = [1, 2, 4, 5],
): GradientCase => ({
  name: `Resize ${name}`,
  inputs: [input],
  build: (e, x) => e.op('Resize', [x, null, e.constant(floatList(scales))], attributes),
  ...(torch && { torch }),
});

const sized = (
  name: string,
  sizes: readonly number[],
  attributes: Attributes,
  torch?: string,
): GradientCase => ({
  name: `Resize ${name}`,
  inputs: [[1, 2, 4, 5]],
  build: (e, x) => e.op('Resize', [x, null, null, e.ints(sizes)], attributes),
  ...(torch && { torch }),
});

export const resizeCases: readonly GradientCase[] = [
  scaled(
    'nearest by 2',
    [1, 1, 2, 2],
    { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    "F.interpolate(x0, scale_factor=2, mode='nearest')",
  ),
  scaled('nearest by 3 and 2, half pixel', [1, 1, 3, 2], {}),
  scaled(
    'nearest by 2 in one dimension',
    [1, 1, 2],
    {},
    "F.interpolate(x0, scale_factor=2, mode='nearest')",
    [1, 2, 4],
  ),
  sized(
    'nearest to another size',
    [1, 2, 7, 3],
    { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    "F.interpolate(x0, size=(7, 3), mode='nearest')",
  ),
  sized('nearest, round_prefer_ceil', [1, 2, 6, 3], { nearest_mode: 'round_prefer_ceil' }),
  sized('nearest, ceil', [1, 2, 6, 8], { nearest_mode: 'ceil' }),
  scaled(
    'linear by 2',
    [1, 1, 2, 2],
    { mode: 'linear' },
    "F.interpolate(x0, scale_factor=2, mode='bilinear', align_corners=False)",
  ),
  sized(
    'linear to another size, corners aligned',
    [1, 2, 7, 3],
    { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
    "F.interpolate(x0, size=(7, 3), mode='bilinear', align_corners=True)",
  ),
  sized('linear, asymmetric', [1, 2, 3, 8], { mode: 'linear', coordinate_transformation_mode: 'asymmetric' }),
  sized('linear, pytorch_half_pixel to one row', [1, 2, 1, 8], {
    mode: 'linear',
    coordinate_transformation_mode: 'pytorch_half_pixel',
  }),
  scaled('linear, half_pixel_symmetric', [1, 1, 1.6, 0.7], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel_symmetric',
  }),
  sized('linear down with antialias', [1, 2, 2, 3], { mode: 'linear', antialias: 1 }),
  sized(
    'linear down with antialias, without what lies outside',
    [1, 2, 2, 3],
    { mode: 'linear', antialias: 1, exclude_outside: 1 },
    "F.interpolate(x0, size=(2, 3), mode='bilinear', antialias=True)",
  ),
  sized(
    'cubic up',
    [1, 2, 7, 8],
    { mode: 'cubic' },
    "F.interpolate(x0, size=(7, 8), mode='bicubic', align_corners=False)",
  ),
  sized('cubic without what lies outside', [1, 2, 6, 3], { mode: 'cubic', exclude_outside: 1 }),
  sized('cubic down with antialias', [1, 2, 2, 3], { mode: 'cubic', antialias: 1 }),
  {
    name: 'Resize with axes, keeping the ratio',
    inputs: [[1, 2, 4, 5]],
    build: (e, x) =>
      e.op('Resize', [x, null, null, e.ints([6, 9])], {
        mode: 'linear',
        axes: [2, 3],
        keep_aspect_ratio_policy: 'not_larger',
      }),
  },
  {
    name: 'Resize of a part (tf_crop_and_resize)',
    inputs: [[1, 2, 4, 5]],
    build: (e, x) =>
      e.op(
        'Resize',
        [x, e.constant(floatList([0, 0, 0.2, -0.1, 1, 1, 0.8, 0.7])), null, e.ints([1, 2, 5, 6])],
        {
          mode: 'linear',
          coordinate_transformation_mode: 'tf_crop_and_resize',
        },
      ),
  },
  {
    name: 'Resize of three spatial axes',
    inputs: [[1, 1, 2, 3, 2]],
    build: (e, x) => e.op('Resize', [x, null, null, e.ints([1, 1, 3, 4, 5])], { mode: 'linear' }),
    torch: "F.interpolate(x0, size=(3, 4, 5), mode='trilinear', align_corners=False)",
  },
];
