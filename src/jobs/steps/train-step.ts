/** Distillation and fine-tuning as steps between the original model and its compressed form. */

import type { TrainPlan } from '../../compress/plan.ts';
import { sparseWeights } from '../../compress/prune/unstructured-layers.ts';
import { openNodeEngine } from '../../compute/engine/onnxruntime-node.ts';
import { trainingNeedsData } from '../../support/diagnostics/training.ts';
import type { ModelStep } from '../model-steps.ts';
import { describeTraining, trainingRun } from '../training-run.ts';
import { nameTrainedClasses } from './trained-classes.ts';

/** @param checkpoints  folder for them; null: none */
export const trainStep = (
  { name, settings, gpu }: Omit<TrainPlan, 'kind'>,
  checkpoints: string | null,
): ModelStep => ({
  name,
  async apply(model, { engine, prepared, training, original, events, signal }) {
    if (!prepared) throw trainingNeedsData(name);
    const { model: trained, record } = await trainingRun(model, {
      engine: gpu ? await openNodeEngine('webgpu') : engine,
      settings,
      source: prepared.source,
      indices: training,
      teacher: name === 'distil' ? original : null,
      checkpoints,
      masked: sparseWeights(model),
      events,
      step: name,
      signal,
    });
    const doubt = name === 'finetune' ? nameTrainedClasses(trained, prepared.source) : null;
    const records = [doubt === null ? record : { ...record, doubt }];
    return { model: trained, summary: describeTraining(record), training: records };
  },
});
