/** What was tried once is settled when its recipe runs again. */
import { expect, it } from 'vitest';
import { preset } from '../../src/compress/compress.ts';
import { passOptions } from '../../src/compress/pipeline/recipe.ts';
import type { JournalStage } from '../../src/compress/pipeline/run.ts';
import { asTried } from '../../src/jobs/sensitivity.ts';

const stage = (pass: string, taken: string): JournalStage => ({
  ...{ name: '', ms: 0, observedMs: 0, observed: 0, passes: [], said: [] },
  trials: [{ pass, taken, candidates: [], samples: 4 }],
});

it.each([
  ['weights', { by: 'weights', tried: false }],
  ['without', null],
])('ranges are those that were taken, and channels are equalized or not (%s)', (taken, options) => {
  const stages = [stage('equalize-layers', taken), stage('quantize-static', 'average')];
  const settled = asTried(preset('int8-per-tensor'), { stages });
  expect(passOptions(settled, 'quantize-static')).toEqual({ perChannel: false, ranges: 'average' });
  expect(passOptions(settled, 'equalize-layers')).toEqual(options);
});
