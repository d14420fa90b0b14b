/** A second model in a request. */
import { z } from 'zod';

export const modelField = z.string().optional();
