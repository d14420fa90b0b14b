/** What can be asked of `compare`. */
import { z } from 'zod';
import { taskField } from '../../compress/request/data-fields.ts';
import { sampleFields } from './sample-fields.ts';

export const compareRequest = z.strictObject({ ...sampleFields, task: taskField });
export type CompareRequest = z.output<typeof compareRequest>;
export type CompareRequestInit = z.input<typeof compareRequest>;
