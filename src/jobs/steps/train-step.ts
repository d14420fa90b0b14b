/** Distillation and fine-tuning as steps between the original model and its compressed form. */

import type { TrainPlan } from '../../compress/plan.ts';
import { sparseWeights } from '../../compress/prune/unstructured-layers.ts';
import { openNodeEngine } from '../../compute/engine/onnxruntime-node.ts';
import type { Model } from '../../model/ir/model.ts';
import { trainingNeedsData } from '../../support/diagnostics/training.ts';
import type { ModelStep } from '../model-steps.ts';
import { describeTraining, trainingRun } from '../training-run.ts';

interface TrainStepOptions extends Omit<TrainPlan, 'kind' | 'gpu'> {
  /** Folder for checkpoints; null: none. */
  readonly checkpoints: string | null;
  /** Train on the GPU, by WebGPU. */
  readonly gpu?: boolean;
  /** Instead of the original. */
  readonly teacher?: Model;
}

export const trainStep = (options: TrainStepOptions): ModelStep => ({
  name: options.name,
  async apply(model, { engine, prepared, training, original, events, signal }) {
    if (!prepared) throw trainingNeedsData(options.name);
    const { model: trained, record } = await trainingRun(model, {
      engine: options.gpu ? await openNodeEngine('webgpu') : engine,
      settings: options.settings,
      source: prepared.source,
      indices: training,
      teacher: options.name === 'distil' ? (options.teacher ?? original) : null,
      checkpoints: options.checkpoints,
      masked: sparseWeights(model),
      events,
      step: options.name,
      signal,
    });
    return { model: trained, summary: describeTraining(record), training: [record] };
  },
});
