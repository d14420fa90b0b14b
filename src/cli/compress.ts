/** compress <model> */
import { compressRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  request: compressRequest.extend({ quiet, json }),
  async run([model = ''], request) {
    await (await import('./compress-run.ts')).run(model, request);
  },
});
