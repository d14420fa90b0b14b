/** What can be asked of `inspect`. */
import { z } from 'zod';
import { inputFields } from '../../compress/request/output-fields.ts';

export const inspectRequest = z.strictObject(inputFields);
export type InspectRequestInit = z.input<typeof inspectRequest>;
