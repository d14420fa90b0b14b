import { expect, it } from 'vitest';
import { buildTrainingStep } from '../../../src/compute/train/step.ts';
import { transformerEncoder, transformerEncoderTiny } from '../../../src/model/build/index.ts';

it('trains only what the student has as a weight: a table of positions in a Constant node stays as it is', () => {
  const student = transformerEncoder(transformerEncoderTiny);
  const own = new Set([...student.graph.initializers].map((v) => v.name));
  const step = buildTrainingStep(student, {
    shapes: { input_ids: [2, 5] },
    losses: [{ kind: 'cross-entropy' }],
    optimizer: { kind: 'sgd' },
  });
  expect(step.parameters.filter((name) => !own.has(name))).toEqual([]);
  expect(step.parameters).toHaveLength(own.size);
});
