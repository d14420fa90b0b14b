/** Only exact rewrites: what `compress` does when no precision is asked for. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { cleanUp } from './clean-up.ts';

export const floatClean: RecipeInit = { edgepress: 1, name: 'clean', stages: [cleanUp] };
