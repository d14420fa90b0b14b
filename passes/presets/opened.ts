/** What --cluster starts from without a precision: exact rewrites, and nothing that hides weights. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { openUp } from './clean-up.ts';

export const opened: RecipeInit = { edgepress: 1, name: 'opened', stages: [openUp] };
