/** The gradient rules of all operators. null: the output doesn't change with small changes of the inputs (comparisons,
 *  integers, shapes), so nothing flows back. An operator that isn't here is either lowered first or has no rule. */
import type { GradientRule, GradientTable } from '../rule.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { attention } from './attention.ts';
import { convolution } from './convolution.ts';
import { indexing } from './indexing.ts';
import { matrix } from './matrix.ts';
import { movement } from './movement.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { recurrent } from './recurrent.ts';
import { reductions } from './reduction.ts';
import { resizing } from './resize.ts';
import { softmax } from './softmax.ts';

const constantOps = [
  ...[
    'Shape',
    'Size',
    'ArgMax',
    'ArgMin',
    'Hardmax',
    'NonZero',
    'OneHot',
    'EyeLike',
    'Range',
    'ConstantOfShape',
    'Constant',
  ],
  ...[
    'Equal',
    'Greater',
    'GreaterOrEqual',
    'Less',
    'LessOrEqual',
    'Not',
    'And',
    'Or',
    'Xor',
    'IsNaN',
    'IsInf',
  ],
  ...[
    'Floor',
    'Ceil',
    'Sign',
    'RandomUniform',
    'RandomNormal',
    'RandomUniformLike',
    'RandomNormalLike',
    'Bernoulli',
  ],
  ...['BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitwiseNot'],
];

const families: readonly GradientTable[] = [
  arithmetic,
  activations,
  reductions,
  movement,
  indexing,
  resizing,
  matrix,
  normalization,
  attention,
  softmax,
  convolution,
  pooling,
  recurrent,
];

/** By opKey ('Conv', 'com.microsoft:Gelu'). */
export const gradientRules: Readonly<Record<string, GradientRule | null>> = Object.assign(
  Object.create(null),
  Object.fromEntries(constantOps.map((op) => [op, null])),
  ...families,
);
