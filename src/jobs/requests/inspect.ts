/** What can be asked of `inspect`. */
import { z } from 'zod';
import { taskField } from '../../compress/request/data-fields.ts';
import { inputFields } from '../../compress/request/output-fields.ts';

export const inspectRequest = z.strictObject({ ...inputFields, task: taskField });
export type InspectRequestInit = z.input<typeof inspectRequest>;
