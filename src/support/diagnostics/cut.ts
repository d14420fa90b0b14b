/** The next step where a part of a model can't be read or written: outputs before it. */

/** @param earlier  values that the refused one reads and that can be outputs */
export const cut = (earlier: readonly string[]) =>
  earlier.length === 0
    ? 'Cut the model before it: --outputs with the names of values that are computed earlier.'
    : `Cut the model before it: --outputs ${argument(earlier.join(','))}`;

/** As a shell takes it. */
const argument = (text: string) => (/^[\w./:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
