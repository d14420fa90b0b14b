/** compress finetune <model> */
import { finetuneRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  request: finetuneRequest.extend({ quiet, json }),
  shown: () => true,
  async run([model = ''], request) {
    await (await import('./train.ts')).finetune(model, request);
  },
});
