/** compress distill <teacher> */
import { distillRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  request: distillRequest.extend({ quiet, json }),
  shown: () => true,
  async run([teacher = ''], request) {
    await (await import('./train.ts')).distill(teacher, request);
  },
});
