/** What zeros in weights buy where a model runs. */
import type { TargetName } from '../../support/target.ts';

/** onnxruntime's kernels are dense on every target: a zero is multiplied like any other number. */
export const sparsityEffect = (target: TargetName) =>
  `fewer bytes to transfer, no speed: the kernels for ${target} are dense, a zero takes as long as another weight. For speed, prune channels.`;
