import { expect, it } from 'vitest';
import { idleSettings, lossesOf } from '../../../src/compute/train/from-settings.ts';
import { type TrainingSettingsInit, trainingSettingsSchema } from '../../../src/compute/train/settings.ts';

const all = { teacher: true, labelled: true, scores: true };
const cases: [given: TrainingSettingsInit, facts: Partial<typeof all>, idle: string[]][] = [
  [{ temperature: 2, smoothing: 0.1 }, {}, []],
  [{}, { scores: false }, []],
  [{ temperature: 2 }, { scores: false }, ['temperature 2 changes nothing: no output scores classes']],
  [{ temperature: 2 }, { teacher: false }, ['temperature 2 changes nothing: there is no teacher']],
  [{ smoothing: 0.1 }, { scores: false }, ['smoothing 0.1 changes nothing: no output scores classes']],
  [
    { smoothing: 0.1 },
    { labelled: false },
    ['smoothing 0.1 changes nothing: no loss is computed from labels'],
  ],
  [
    { smoothing: 0.1, labelWeight: 0 },
    {},
    ['smoothing 0.1 changes nothing: no loss is computed from labels'],
  ],
];

it.each(cases)('training with %j where %j: what changes nothing is said', (given, facts, idle) => {
  const settings = trainingSettingsSchema.parse(given);
  const lesson = { ...all, ...facts };
  expect(idleSettings(settings, lossesOf(settings, lesson), lesson)).toEqual(idle);
});
