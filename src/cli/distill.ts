/** compress distill <teacher> */
import { distillRequest } from '../compress/request.ts';
import { defineCommand } from './command.ts';
import { json, quiet } from './printing-fields.ts';

export const command = defineCommand({
  request: distillRequest.extend({ quiet, json }),
  shown: () => true,
  async run([teacher = ''], flags, { quiet: _, json: __, ...given }) {
    const { planDistillation } = await import('../compress/plan.ts');
    const { carryOut } = await import('./run-plan.ts');
    await carryOut(teacher, await planDistillation(given, 'option'), flags);
  },
});
