/** compress passes [name] */
import { z } from 'zod';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  request: z.strictObject({ json }),
  async run([name], { json }) {
    await (await import('./show-passes.ts')).showPasses(name, json);
  },
});
