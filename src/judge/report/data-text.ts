/** What a result was calibrated and compared on, in a line. */
import { formatInteger } from '../../support/units.ts';
import type { Report } from './report.ts';

type Divided = Pick<
  NonNullable<Report['data']>,
  'source' | 'calibrationSamples' | 'evaluationSamples' | 'test' | 'synthetic'
>;

/** "photos/ (500 images): 100 to calibrate, 200 held back to compare" */
export function dataText(data: Divided | null): string {
  if (data === null) return 'none';
  const [calibration, evaluation] = [data.calibrationSamples, data.evaluationSamples].map(formatInteger);
  const compared = data.test ? `${evaluation} of ${data.test}` : `${evaluation} held back`;
  return `${data.source}: ${calibration} to calibrate, ${compared} to compare${data.synthetic ? ', synthetic' : ''}`;
}
