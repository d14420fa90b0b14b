/** All presets by name. */
import { parseRecipe, type Recipe, type RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { clustered } from './clustered.ts';
import { floatClean } from './float-clean.ts';
import { float16 } from './float16.ts';
import { int8Dynamic } from './int8-dynamic.ts';
import { int8PerTensor } from './int8-per-tensor.ts';
import { int8Static } from './int8-static.ts';
import { int8Weights } from './int8-weights.ts';
import { lowRank } from './low-rank.ts';
import { opened } from './opened.ts';
import { packed } from './packed.ts';
import { q4 } from './q4.ts';
import { q4f16 } from './q4f16.ts';
import { sparse } from './sparse.ts';
import { trainable } from './trainable.ts';

const all = {
  'int8-static': int8Static,
  'int8-per-tensor': int8PerTensor,
  'int8-dynamic': int8Dynamic,
  'int8-weights': int8Weights,
  float16,
  q4,
  q4f16,
  clean: floatClean,
  clustered,
  opened,
  packed,
  sparse,
  'low-rank': lowRank,
  trainable,
};

export type PresetName = keyof typeof all;
/** All names that `preset` takes. */
export const presetNames = Object.keys(all) as PresetName[];

/** The recipe behind a precision, as `compress recipe` prints it.
 *  @example
 *  const recipe = preset('int8-weights'); */
export const preset = (name: PresetName): Recipe =>
  parseRecipe(all[name] satisfies RecipeInit, `preset ${name}`);
