/** How many samples of a search's data do what: some calibrate and are learnt from, others choose, and others judge what was chosen. */
import { tooFewToChoose } from '../../support/diagnostics/auto.ts';
import { allOfThem } from '../../support/field.ts';

export interface SearchShares {
  /** Held back from everything, and what is chosen is compared on; undefined: all of the test data. */
  readonly evaluate: number | undefined;
  readonly choose: number;
}

/** Of the data; what is left calibrates and is learnt from. */
const share = 0.35;
/** More tell little that these don't. */
const most = 500;
const fewest = 6;

/** @param length  of the data @param evaluate  what was asked for @param hasTest  data of its own judges
 *  @throws TOO_FEW_TO_CHOOSE */
export function sharesOf(
  length: number,
  {
    evaluate,
    hasTest,
    name,
  }: { readonly evaluate: number | undefined; readonly hasTest: boolean; readonly name: string },
): SearchShares {
  if (length < fewest) throw tooFewToChoose(name, length, fewest);
  const part = Math.max(1, Math.min(most, Math.floor(length * share)));
  if (hasTest) return { evaluate, choose: part };
  const asked = evaluate === undefined || evaluate >= allOfThem ? part : evaluate;
  // Some have to be left to choose, and some to calibrate.
  const held = Math.min(asked, length - 4);
  return { evaluate: held, choose: Math.max(1, Math.min(part, Math.floor((length - held) * 0.6))) };
}
