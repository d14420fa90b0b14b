/** compress distill <teacher> */
import { distillRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'distill',
  request: distillRequest.extend({ quiet, json }),
  shown: () => true,
  async run([teacher = ''], flags, { quiet: _, json: __, ...given }) {
    const { askToDistill } = await import('../jobs/compress.ts');
    const { showResult } = await import('./show-result.ts');
    await showResult(teacher, await askToDistill(given, 'option'), flags);
  },
});
