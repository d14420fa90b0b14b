/** All classes of layers. */
import { activationLayers } from './activations.ts';
import { convolutionLayers } from './convolution.ts';
import { coreLayers } from './core.ts';
import type { LayerClass, LayerTable } from './layer.ts';
import { mergeLayers } from './merge.ts';
import { normalizationLayers } from './normalization.ts';
import { poolingLayers } from './pooling.ts';
import { preprocessingLayers } from './preprocessing.ts';
import { recurrentLayers } from './recurrent.ts';
import { spatialLayers } from './spatial.ts';
import { wrapperLayers } from './wrappers.ts';

const all: LayerTable = {
  ...activationLayers,
  ...convolutionLayers,
  ...coreLayers,
  ...mergeLayers,
  ...normalizationLayers,
  ...poolingLayers,
  ...preprocessingLayers,
  ...recurrentLayers,
  ...spatialLayers,
  ...wrapperLayers,
};

export const classNames: readonly string[] = Object.keys(all);

export const layerClass = (name: string): LayerClass | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined;
