/** Normalisations. */
import type { Dim, Shape } from '../../ir/type.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { axisOf, like, sameAsInput, tensor } from './common.ts';

/** Y as X; running mean and variance as their inputs, the saved ones of old opsets as well. */
const batchNormalization: ShapeRule = (c) => [c.type(0), c.type(3), c.type(4), c.type(3), c.type(4)];

/** The shape with the axes from `axis` on reduced to 1. */
const statistics = (c: ShapeContext, shape: Shape | null): Dim[] | null => {
  if (!shape) return null;
  const axis = axisOf(c, -1, shape.length);
  return shape.map((d, i) => (i < axis ? d : 1));
};

/** Y as X, mean and 1/σ in float32 (stash_type) with the normalised axes reduced to 1. */
const layerNormalization: ShapeRule = (c) => {
  const small = tensor('float32', statistics(c, c.shape(0)));
  return [c.type(0), small, small];
};

/** output, mean, 1/σ, input + skip + bias. */
const skipLayerNormalization: ShapeRule = (c) => {
  const shape = c.shape(0);
  const small = tensor('float32', shape && [...shape.slice(0, -1), 1]);
  return [c.type(0), small, small, c.type(0)];
};

export const normalizationShapes: ShapeTable = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: sameAsInput,
  GroupNormalization: sameAsInput,
  MeanVarianceNormalization: sameAsInput,
  LRN: sameAsInput,
  LayerNormalization: layerNormalization,
  RMSNormalization: (c) => [tensor(c.dtype(1) ?? c.dtype(0), c.shape(0))],
  SimplifiedLayerNormalization: (c) => [c.type(0), tensor('float32', statistics(c, c.shape(0)))],
  'com.microsoft:SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft:SkipSimplifiedLayerNormalization': skipLayerNormalization,
  'com.microsoft:EmbedLayerNormalization': (c) => {
    const [ids, table] = [c.shape(0), c.shape(2)];
    const shape = ids && table && [...ids, table[1]!];
    return [tensor(c.dtype(2), shape), tensor('int32', ids && [ids[0]!]), tensor(c.dtype(2), shape)];
  },
  'com.microsoft:GroupNorm': sameAsInput,
  'com.microsoft:SkipGroupNorm': like(0, 0),
};
