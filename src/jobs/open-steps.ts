/** From a planned step to one that can be done. What a step needs is loaded when it is in a plan. */
import type { StepPlan } from '../compress/plan.ts';
import type { ModelStep } from './model-steps.ts';
import type { JobRun } from './progress.ts';

/** @param checkpoints  folder for those of training runs; null: none are kept
 *  @throws what opening the student's file throws */
export const openSteps = (
  steps: readonly StepPlan[],
  checkpoints: string | null,
  run: JobRun,
): Promise<ModelStep[]> => Promise.all(steps.map((step) => openStep(step, checkpoints, run)));

async function openStep(plan: StepPlan, checkpoints: string | null, run: JobRun): Promise<ModelStep> {
  switch (plan.kind) {
    case 'prune':
      return (await import('./steps/prune-step.ts')).pruneStep(plan);
    case 'factorise':
      return (await import('./steps/factorise-step.ts')).factoriseStep(plan.recipe);
    case 'sparsify':
      return (await import('./steps/sparsify-step.ts')).sparsifyStep(plan);
    case 'student':
    case 'student-file':
      return (await import('./steps/student-step.ts')).studentStep(plan, run);
    case 'train':
      return (await import('./steps/train-step.ts')).trainStep(plan, checkpoints);
  }
}
