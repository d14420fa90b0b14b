/** From flags to the settings of a training run, and the steps before the recipe. */
import path from 'node:path';
import type { CompressRequest, DistillRequest } from '../compress/request.ts';
import {
  type TrainingSettings,
  type TrainingSettingsInit,
  trainingSettingsIn,
  trainingSettingsSchema,
} from '../compute/train/settings.ts';
import { engineOfTarget } from '../jobs/compress-file.ts';
import { openModel } from '../jobs/model-files.ts';
import type { ModelStep } from '../jobs/model-steps.ts';
import { passStep } from '../jobs/steps/pass-step.ts';
import { pruneStep } from '../jobs/steps/prune-step.ts';
import { sparsifyStep } from '../jobs/steps/sparsify-step.ts';
import { studentStep } from '../jobs/steps/student-step.ts';
import { trainStep } from '../jobs/steps/train-step.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';

export type TrainingFlags = TrainingSettingsInit & Pick<CompressRequest, 'checkpoint' | 'gpu'>;
export type StepFlags = CompressRequest;
export type StudentFlags = Pick<DistillRequest, 'student' | 'width' | 'layers'>;

export const settingsOf = (f: TrainingFlags): TrainingSettings =>
  trainingSettingsSchema.parse(trainingSettingsIn(f));

/** Only what was asked for: optional settings that stay absent otherwise. */
export const gpuOf = (f: TrainingFlags) => (f.gpu ? { gpu: true } : {});

/** Where checkpoints of a run lie: hidden beside the output unless told otherwise. */
export const checkpointsOf = (f: TrainingFlags, output: string): string | null =>
  f.checkpoint === false
    ? null
    : typeof f.checkpoint === 'string'
      ? f.checkpoint
      : path.join(path.dirname(path.resolve(output)), '.edgepress-checkpoints');

/** Pruning first, then training: a pruned network needs the training, and what training makes need not be pruned again.
 *  @throws OPTION_WITHOUT_EFFECT */
export function stepsOf(f: StepFlags, output: string): ModelStep[] {
  const prunes = f.prune !== undefined || f.macs !== undefined || f.latency !== undefined;
  const trains = f.distill || f.finetune;
  if (!trains && f.rounds > 1) throw optionWithoutEffect('--rounds', '--distill or --finetune');
  if (!trains && !f.qat) {
    for (const name of ['augment', 'epochs', 'learningRate', 'batch', 'optimizer'] as const)
      if (f[name] !== undefined)
        throw optionWithoutEffect(
          name === 'learningRate' ? '--lr' : `--${name}`,
          '--distill, --finetune or --qat',
        );
  }
  if (!prunes && f.sparsity === undefined && f.rounds > 1)
    throw optionWithoutEffect('--rounds', '--prune, --macs, --latency or --sparsity');
  const settings = settingsOf(f);
  const steps: ModelStep[] = [];
  if (prunes)
    steps.push(
      pruneStep({
        target: {
          ...(f.prune === undefined ? {} : { parameters: 1 - f.prune / 100 }),
          ...(f.macs === undefined ? {} : { macs: f.macs }),
          ...(f.latency === undefined ? {} : { latency: f.latency }),
        },
        importance: f.importance ?? null,
        reconstruct: f.reconstruct,
        scope: 'global',
        round: 8,
        exclude: f.exclude ?? [],
        rounds: f.rounds,
        runtime: engineOfTarget(f.target),
        settings: trains ? settings : null,
        maxDrop: f.maxDrop ?? null,
      }),
    );
  if (f.lowRank !== undefined)
    steps.push(
      passStep('factorise', 'products made of two thin ones', {
        pass: 'factorize-weights',
        options: { target: f.lowRank, data: f.data !== undefined },
        target: f.target,
      }),
    );
  if (f.sparsity !== undefined || f.nm !== undefined)
    steps.push(
      sparsifyStep({
        weights: {
          ...(f.nm === undefined ? { sparsity: (f.sparsity ?? 0) / 100 } : { pattern: f.nm }),
          score: f.data === undefined ? 'magnitude' : 'sparsegpt',
        },
        rounds: f.rounds,
        settings: trains ? settings : null,
        maxDrop: f.maxDrop ?? null,
        target: f.target,
      }),
    );
  const checkpoints = checkpointsOf(f, output);
  if (f.distill) steps.push(trainStep({ name: 'distil', settings, checkpoints, ...gpuOf(f) }));
  if (f.finetune) steps.push(trainStep({ name: 'finetune', settings, checkpoints, ...gpuOf(f) }));
  return steps;
}

/** The student of `compress distill`, then its training. */
export function distillSteps(f: TrainingFlags & StudentFlags, output: string): ModelStep[] {
  const steps: ModelStep[] = [];
  if (f.student !== undefined)
    steps.push(
      studentStep({ kind: 'given', model: openModel(f.student).model, name: path.basename(f.student) }),
    );
  else if (f.width !== undefined || f.layers !== undefined)
    steps.push(studentStep({ kind: 'made', width: f.width, layers: f.layers }));
  const checkpoints = checkpointsOf(f, output);
  steps.push(trainStep({ name: 'distil', settings: settingsOf(f), checkpoints, ...gpuOf(f) }));
  return steps;
}
