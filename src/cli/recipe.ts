/** compress recipe --int8 */
import { z } from 'zod';
import { targetField } from '../compress/request/data-fields.ts';
import { presetFields } from '../compress/request/precision-fields.ts';
import { field } from '../support/field.ts';
import { defineCommand } from './command.ts';

const request = z.strictObject({
  ...presetFields,
  data: z
    .union([z.boolean(), z.string()])
    .optional()
    .meta(field('Data', '--data [path]', 'as with data: static int8')),
  target: targetField,
});

export const command = defineCommand({
  request,
  async run(_, { int8, fp16, q4, data, target }) {
    const { passes } = await import('../compress/compress.ts');
    const { completeRecipe } = await import('../compress/pipeline/recipe.ts');
    const { presetFor } = await import('./compress-run.ts');
    const recipe = presetFor({ int8, fp16, q4 }, data !== undefined || int8 === 'static', target);
    console.log(JSON.stringify(completeRecipe(recipe, passes), null, 2));
  },
});
