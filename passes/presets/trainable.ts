/** What training starts from: every weight an initialiser, one form of each operator, nothing fused. BatchNormalization and
 *  Dropout stay, since they behave differently in training. */
import type { RecipeInit } from '../../src/compress/pipeline/recipe.ts';

export const trainable: RecipeInit = {
  edgepress: 1,
  name: 'trainable',
  stages: [
    {
      name: 'prepare',
      passes: [
        { pass: 'eliminate-overridable-inputs' },
        { pass: 'infer-shapes' },
        { pass: 'inline-functions', options: { all: true } },
        { pass: 'upgrade-opset' },
        { pass: 'decompose-fused' },
        { pass: 'fold-constants' },
        { pass: 'eliminate-dead-nodes' },
        { pass: 'infer-shapes' },
      ],
    },
  ],
};
