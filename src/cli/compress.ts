/** compress <model> */
import { configField } from '../compress/request/output-fields.ts';
import { compressRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  request: compressRequest.extend({ config: configField, quiet, json }),
  async run([model = ''], flags, { quiet: _, json: __, ...given }) {
    const { planCompressionCall } = await import('../jobs/compress.ts');
    const { carryOut } = await import('./run-plan.ts');
    await carryOut(model, await planCompressionCall({ config: true, ...given }, 'option'), flags);
  },
});
