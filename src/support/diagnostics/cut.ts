/** The next step where a part of a model can't be read or written: outputs before it. */

import { quoted } from '../shell.ts';

/** @param earlier  values that the refused one reads and that can be outputs */
export const cut = (earlier: readonly string[]) =>
  earlier.length === 0
    ? 'Cut the model before it: --outputs with the names of values that are computed earlier.'
    : `Cut the model before it: --outputs ${quoted(earlier.join(','))}`;
