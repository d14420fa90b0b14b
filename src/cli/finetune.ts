/** compress finetune <model> */
import { finetuneRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  request: finetuneRequest.extend({ quiet, json }),
  shown: () => true,
  async run([model = ''], flags, { quiet: _, json: __, ...given }) {
    const { planFinetuning } = await import('../compress/plan.ts');
    const { carryOut } = await import('./run-plan.ts');
    await carryOut(model, await planFinetuning(given, 'option'), flags);
  },
});
