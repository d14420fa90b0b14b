/** What can be asked of `inspect`: nothing yet but the model. */
import { z } from 'zod';

export const inspectRequest = z.strictObject({});
