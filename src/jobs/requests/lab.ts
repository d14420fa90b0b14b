/** What can be asked of `compress lab`. */
import { z } from 'zod';
import { field, positive, wholeNumber } from '../../support/field.ts';

const option = field.bind(null, null);
const portError = 'A port is a number up to 65535.';

export const labRequest = z.strictObject({
  lan: z
    .boolean()
    .default(false)
    .meta(option('--lan', 'let devices on your network join', { fallback: 'only this machine' })),
  https: z
    .boolean()
    .default(false)
    .meta(option('--https', 'self-signed certificate: on a network, WebGPU and threads need one')),
  port: wholeNumber
    .max(65535, portError)
    .optional()
    .meta(option('--port <n>', 'port', { fallback: 'a free one' })),
  idle: positive.default(10).meta(option('--idle <minutes>', 'end after this long without news')),
  once: z.boolean().default(false).meta(option('--once', 'end when the first device is done')),
});
