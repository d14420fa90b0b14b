/** compress distill <teacher>, compress finetune <model> */

import type { DistillRequest, FinetuneRequest } from '../compress/request.ts';
import { defaultCacheFolder, openCalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import type { TrainingSettings } from '../compute/train/settings.ts';
import { compressFile } from '../jobs/compress-file.ts';
import { trainStep } from '../jobs/steps/train-step.ts';
import { studentMissing } from '../support/diagnostics/training.ts';
import { presetFor } from './compress-run.ts';
import { dataOf } from './data-flags.ts';
import { interruptSignal } from './interrupt.ts';
import { outputPath } from './output-path.ts';
import { printReport } from './print-report.ts';
import { createProgress } from './progress.ts';
import { checkpointsOf, distillSteps, gpuOf, settingsOf } from './training-flags.ts';

type Flags = FinetuneRequest & { readonly quiet: boolean; readonly json: boolean };

/** @throws STUDENT_MISSING when nothing would differ from the teacher */
export async function distill(
  teacher: string,
  flags: DistillRequest & Pick<Flags, 'quiet' | 'json'>,
): Promise<void> {
  if (flags.student === undefined && flags.width === undefined && flags.layers === undefined)
    throw studentMissing();
  const output = outputPath(teacher, endingOf('distilled', flags), flags.output);
  await work(teacher, flags, output, distillSteps(flags, output));
}

export async function finetune(model: string, flags: Flags): Promise<void> {
  const output = outputPath(model, endingOf('finetuned', flags), flags.output);
  const step = trainStep({
    name: 'finetune',
    settings: settingsOf(flags),
    checkpoints: checkpointsOf(flags, output),
    ...gpuOf(flags),
  });
  await work(model, flags, output, [step]);
}

async function work(
  input: string,
  flags: Omit<Flags, keyof TrainingSettings> & { readonly seed: number },
  output: string,
  steps: Parameters<typeof compressFile>[0]['steps'],
): Promise<void> {
  const { signal, dispose } = interruptSignal();
  const progress = createProgress({ quiet: flags.quiet });
  const recipe = flags.int8
    ? presetFor({ int8: 'auto' }, true, flags.target)
    : { ...presetFor({}, true, flags.target), stages: [], name: 'trained' };
  try {
    const report = await compressFile({
      input,
      output,
      recipe: { ...recipe, calibration: { ...recipe.calibration, seed: flags.seed } },
      force: flags.force,
      ...dataOf(flags),
      measure: flags.measure,
      cache: openCalibrationCache(defaultCacheFolder()),
      command: `compress ${process.argv.slice(2).join(' ')}`,
      events: progress,
      signal,
      ...(steps ? { steps } : {}),
      ...(flags.maxDrop === undefined ? {} : { maxDrop: flags.maxDrop }),
    });
    printReport(report, flags);
  } finally {
    progress.stop();
    dispose();
  }
}

const endingOf = (how: string, { int8 }: Pick<Flags, 'int8'>) => `.${how}${int8 ? '.int8' : ''}`;
