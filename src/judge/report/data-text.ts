/** What a result was calibrated and compared on, in a line. */
import { sharesText } from '../../data/prepare-data.ts';
import { formatInteger } from '../../support/units.ts';
import type { Probe } from './probe.ts';
import type { Report } from './report.ts';

type Divided = Pick<
  NonNullable<Report['data']>,
  'source' | 'calibrationSamples' | 'trainingSamples' | 'evaluationSamples' | 'test' | 'synthetic' | 'leftOut'
>;

/** @param probe  what was compared on where no samples were held back
 *  @returns "photos/ (500 images): 100 to calibrate, 200 held back to compare; left out 2 that can't be read: a.png, b.png" */
export function dataText(data: Divided | null, probe?: Probe): string {
  if (data === null) return probe ? `none; compared on ${probe.what}` : 'none';
  const evaluation = formatInteger(data.evaluationSamples);
  const compared =
    data.evaluationSamples === 0
      ? '0'
      : data.test
        ? `${evaluation} of ${data.test}`
        : `${evaluation} held back`;
  const leftOut = data.leftOut?.length ? `; ${leftOutText(data.leftOut)}` : '';
  const shares = sharesText({
    calibration: data.calibrationSamples,
    training: data.trainingSamples ?? 0,
    comparison: compared,
  });
  return `${data.source}: ${shares}${data.synthetic ? ', synthetic' : ''}${leftOut}`;
}

/** "left out 2 that can't be read: a.png, b.png"; five names at most. */
export function leftOutText(ids: readonly string[]): string {
  const more = ids.length > 5 ? ` and ${formatInteger(ids.length - 5)} more` : '';
  return `left out ${formatInteger(ids.length)} that can't be read: ${ids.slice(0, 5).join(', ')}${more}`;
}
