/** The JSON Schema of edgepress.json that the package publishes. */
import { z } from 'zod';
import { manifestSchema } from './manifest.ts';

/** Draft 2020-12. */
export function manifestJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(manifestSchema, { target: 'draft-2020-12', io: 'input' });
  return { $id: 'urn:edgepress:bundle:1', title: 'edgepress bundle', ...schema };
}
