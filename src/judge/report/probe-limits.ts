/** Where limits that hold on data would call a sound result bad on inputs that are made up. */
import { levelOf, type Measure } from '../task/measure.ts';
import { isShareOfAnswers, measuresOf, worstSqnr } from './measure-words.ts';
import type { Report } from './report.ts';

/** Found on models with data of their own (bench/RESULTS.md, Probes). */
const limits = {
  /** From so little noise on, scores of made-up inputs are taken for the same: results that lost accuracy have 14 dB at most (bench/RESULTS.md). */
  sameScoresDb: 20,
  /** mAP@0.5 on made-up inputs, where int8 results that lose nothing have 60 % and more and ruined ones 14 % at most. */
  madeUpBoxes: 0.5,
};

/** What made-up inputs have by themselves: classes and boxes that are nearly as likely as others, which change places where scores hardly do,
 *  and less structure than photographs, so that little noise is much of it. */
export function isOfMadeUp(report: Pick<Report, 'probe' | 'compare'>, { id, value }: Measure): boolean {
  if (report.probe?.kind !== 'made-up') return false;
  const psnr = measuresOf(report).find((m) => m.id === 'psnr');
  if (id === 'ssim') return psnr !== undefined && levelOf(psnr) !== 'bad';
  if (id === 'map-50') return value! >= limits.madeUpBoxes;
  return isShareOfAnswers({ id }) && (worstSqnr(report) ?? Number.POSITIVE_INFINITY) >= limits.sameScoresDb;
}
