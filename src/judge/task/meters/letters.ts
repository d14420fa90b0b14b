/** Whether texts that are read off scores of letters stay as they were (CTC): letters in a row count once, blanks not at all. */
import { distance } from 'fastest-levenshtein';
import { float32Values, type Tensor } from '../../../model/ir/tensor.ts';
import { wilsonInterval } from '../../../support/statistics.ts';
import { measured } from '../measure.ts';
import type { OpenMeter } from '../meter.ts';
import { outputsAs } from '../task.ts';

/** Letters are counted from here, so that each of them is one code unit: no surrogates among them. */
const firstLetter = 0x21;

export const lettersMeter: OpenMeter = ({ task }) => {
  const name = outputsAs(task, 'letters')[0]!;
  let [texts, kept, letters, wrong] = [0, 0, 0, 0];
  return {
    add(x, y) {
      const [a, b] = [readOff(x[name]!), readOff(y[name]!)];
      texts++;
      if (a === b) kept++;
      letters += a.length;
      wrong += distance(a, b);
      return null;
    },
    result: () =>
      texts === 0
        ? []
        : [
            measured('text-kept', kept / texts, wilsonInterval(kept, texts)),
            measured('characters-kept', letters > 0 ? Math.max(0, 1 - wrong / letters) : null),
          ],
  };
};

/** The best letter of each step, without repetitions and blanks; class 0 is the blank, as CTC's losses have it. */
function readOff(t: Tensor): string {
  const width = t.dims.at(-1)!;
  const values = float32Values(t);
  const codes: number[] = [];
  let last = -1;
  for (let row = 0; row < values.length; row += width) {
    let best = 0;
    for (let i = 1; i < width; i++) if (values[row + i]! > values[row + best]!) best = i;
    if (best !== last && best !== 0) codes.push(firstLetter + best);
    last = best;
  }
  return String.fromCharCode(...codes);
}
