/** compress <model> */
import { configField } from '../compress/request/output-fields.ts';
import { compressRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  request: compressRequest.extend({ config: configField, quiet, json }),
  async run([model = ''], flags, { quiet: _, json: __, ...given }) {
    const { askToCompress } = await import('../jobs/compress.ts');
    const { showResult } = await import('./show-result.ts');
    await showResult(model, await askToCompress({ config: true, ...given }, 'option'), flags);
  },
});
