/** Families of networks whose pictures are prepared in a way of their own, told by what goes in and what comes out. */
import type { Port } from '../model/ir/port.ts';
import type { Shape } from '../model/ir/type.ts';
import type { PictureInput } from './picture-input.ts';

interface Family {
  readonly name: string;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  fits(picture: PictureInput, outputs: readonly Shape[]): boolean;
}

const families: readonly Family[] = [
  {
    // Ultra-Light-Fast-Generic-Face-Detector: 3, 2, 2 and 3 boxes at each place of four grids, face or none.
    name: 'UltraFace',
    mean: [127],
    std: [128],
    fits: ({ height, width }, outputs) => {
      if (height === null || width === null) return false;
      const places = ultraFaceGrids.reduce(
        (n, [stride, boxes]) => n + boxes * Math.ceil(height / stride) * Math.ceil(width / stride),
        0,
      );
      return [2, 4].every((size) => outputs.some((s) => s.at(-1) === size && s.at(-2) === places));
    },
  },
];

/** Strides, and boxes at each place. */
const ultraFaceGrids = [
  [8, 3],
  [16, 2],
  [32, 2],
  [64, 3],
] as const;

/** How the family of a model prepares its pictures; null where it is of none that is known. */
export function familyOf(
  picture: PictureInput,
  outputs: readonly Pick<Port, 'shape'>[],
): Pick<Family, 'name' | 'mean' | 'std'> | null {
  const shapes = outputs.map(({ shape }) => shape).filter((shape) => shape !== null);
  return families.find((family) => family.fits(picture, shapes)) ?? null;
}
