/** --int8 --per-tensor with data: the same with one scale a weight, for which channels are made alike first where that helps. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';
import { int8Static } from './int8-static.ts';

const whole = ['quantize-static', 'quantize-dynamic', 'quantize-weights'];
const [cleanUp, ...rest] = int8Static.stages;

export const int8PerTensor: RecipeInit = {
  ...int8Static,
  name: 'int8-per-tensor',
  stages: [
    cleanUp!,
    { name: 'equalise', passes: [{ pass: 'equalize-layers' }] },
    ...rest.map((stage) => ({
      ...stage,
      passes: stage.passes.map((p) =>
        whole.includes(p.pass) ? { ...p, options: { perChannel: false } } : p,
      ),
    })),
  ],
};
