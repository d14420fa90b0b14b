/** Seeded inputs for a model of which only the manifest is known. */
import { syntheticInputs } from '../../../data/synthetic.ts';
import { isDType } from '../../../model/ir/dtype.ts';
import type { Port } from '../../../model/ir/port.ts';
import type { Tensor } from '../../../model/ir/tensor.ts';
import type { Manifest } from '../../emit/manifest.ts';

/** Time does not depend on values. Open dimensions are 1, except height and width of a picture, which the
 *  preprocessing tells. @throws SYNTHETIC_TYPE, or Error for an element type that we don't know */
export function createFeeds(manifest: Pick<Manifest, 'inputs' | 'preprocessing'>): Record<string, Tensor> {
  const ports = manifest.inputs.map(({ name, dtype, shape }): Port => {
    if (!isDType(dtype)) throw new Error(`Input "${name}" has the unknown element type ${dtype}.`);
    return { name, dtype, shape: shape && withPicture(shape, manifest.preprocessing) };
  });
  return syntheticInputs(ports, { seed: 0 });
}

type Shape = NonNullable<Manifest['inputs'][number]['shape']>;

function withPicture(shape: Shape, preprocessing: Manifest['preprocessing']): Shape {
  const size = pictureSize(preprocessing);
  if (!size || shape.length !== 4) return shape;
  const first = preprocessing?.['layout'] === 'NHWC' ? 1 : 2;
  const dims: Shape = [...shape];
  for (const [axis, value] of [
    [first, size.height],
    [first + 1, size.width],
  ] as const)
    if (typeof dims[axis] !== 'number') dims[axis] = value;
  return dims;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What is cut out last, else what it is resized to. */
function pictureSize(spec: Manifest['preprocessing']): Size | null {
  const { crop, resize } = (spec ?? {}) as { crop?: Size | null; resize?: { size?: Size | number } };
  if (crop) return crop;
  const size = resize?.size;
  return typeof size === 'number' ? { width: size, height: size } : (size ?? null);
}
