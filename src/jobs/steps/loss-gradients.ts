/** Gradients of the loss by every weight, averaged over samples: what Taylor importance is computed from. */

import { epochOrder } from '../../compute/train/data.ts';
import { lossesOf } from '../../compute/train/from-settings.ts';
import { sampleData } from '../../compute/train/samples.ts';
import { trainingSettingsSchema } from '../../compute/train/settings.ts';
import { buildTrainingStep } from '../../compute/train/step.ts';
import { openTeacher } from '../../compute/train/teacher.ts';
import { openTrainer } from '../../compute/train/trainer.ts';
import type { Model } from '../../model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { scoresClasses } from '../../model/ops/class-scores.ts';
import type { StepContext } from '../model-steps.ts';

const samples = 512;

/** By initialiser name. One step of plain gradient descent at rate 1 from the weights: what they lose is the gradient. */
export async function lossGradients(model: Model, context: StepContext): Promise<Map<string, Tensor>> {
  const { engine, prepared, training, original } = context;
  if (!prepared) return new Map();
  const { source } = prepared;
  const settings = trainingSettingsSchema.parse({});
  const labelled = source.labelled || source.targeted === true;
  const facts = { teacher: !labelled, labelled, scores: scoresClasses(model) };
  const order = epochOrder(training.length, 0, 0).slice(0, samples);
  const data = await sampleData(
    source,
    order.map((i) => training[i] as number),
  );
  const batch = Math.min(64, data.length);
  const batches = Math.max(1, Math.floor(data.length / batch));
  const shapes = Object.fromEntries(Object.entries(data.shapes).map(([n, d]) => [n, [batch, ...d]]));
  const step = buildTrainingStep(model, {
    shapes,
    losses: lossesOf(settings, facts),
    optimizer: { kind: 'sgd' },
    statistics: 'running',
    accumulate: batches,
  });
  const trainer = await openTrainer(engine, step, { accumulate: batches });
  const teacher = facts.teacher ? await openTeacher(engine, original, shapes, step.targets, 0) : null;
  try {
    const before = trainer.weights();
    for (let b = 0; b < batches; b++) {
      const indices = Array.from({ length: batch }, (_, i) => b * batch + i);
      const feeds = await data.batch({ indices, epoch: 0, seed: 0 });
      const answers = teacher ? await teacher.targets(feeds, indices) : {};
      await trainer.run({ ...feeds, ...answers }, { learningRate: 1, seed: 0 });
    }
    const after = trainer.weights();
    return new Map(
      Object.entries(before).map(([name, t]) => {
        const [a, b] = [float32Values(t), float32Values(after[name] as Tensor)];
        return [
          name,
          tensorOf(
            'float32',
            t.dims,
            a.map((v, i) => v - (b[i] as number)),
          ),
        ];
      }),
    );
  } finally {
    await trainer.close();
    await teacher?.close();
  }
}
