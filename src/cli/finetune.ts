/** compress finetune <model> */
import { finetuneRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'finetune',
  request: finetuneRequest.extend({ quiet, json }),
  shown: () => true,
  async run([model = ''], flags, { quiet: _, json: __, ...given }) {
    const { askToFinetune } = await import('../jobs/compress.ts');
    const { showResult } = await import('./show-result.ts');
    await showResult(model, await askToFinetune(given, 'option'), flags);
  },
});
