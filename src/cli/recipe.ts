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
  async run(_, { data, target = 'wasm', ...precision }) {
    const { presetRecipe } = await import('../compress/compress.ts');
    const { presetOf } = await import('../compress/plan.ts');
    const hasData = data !== undefined || precision.int8 === 'static';
    const name = presetOf({ ...precision, data: hasData ? 'data' : undefined });
    console.log(JSON.stringify(await presetRecipe(name, target), null, 2));
  },
});
