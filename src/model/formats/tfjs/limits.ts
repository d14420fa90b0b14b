/** What no TensorFlow.js model exceeds: a file that claims more is damaged or made to exhaust memory. */
import { z } from 'zod';

/** Of the JSON text, unpacked. Weights stand in files of their own: the longest texts that are published have 10 MB, and a
 *  network of 100 000 nodes with all their attributes has 40. */
export const mostJsonBytes = 1 << 26;

/** Values in it: such a network has three million, and each takes some hundred bytes of memory once it is read. */
export const mostJsonValues = 1 << 22;

/** A list that is read up to its first bad entry: of millions that are bad, a message names one. */
export const listOf = <T>(entry: z.ZodType<T>) =>
  z.array(z.unknown()).transform((list, context): T[] => {
    const read: T[] = [];
    for (const [i, value] of list.entries()) {
      const parsed = entry.safeParse(value);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        context.addIssue({ code: 'custom', message: issue!.message, path: [i, ...issue!.path] });
        return z.NEVER;
      }
      read.push(parsed.data);
    }
    return read;
  });

/** TensorFlow.js computes with 6 axes at most. */
export const largestRank = 32;
