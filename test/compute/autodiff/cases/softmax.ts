import type { GradientCase } from '../check-gradient.ts';

const along = (op: string, torch: string, axis: number, dims: number[]): GradientCase => ({
  name: `${op} along axis ${axis}`,
  inputs: [dims],
  build: (e, x) => e.op(op, [x], { axis }),
  torch: `F.${torch}(x0, dim=${axis})`,
});

export const softmaxCases: readonly GradientCase[] = [
  along('Softmax', 'softmax', -1, [2, 3, 4]),
  along('Softmax', 'softmax', 1, [2, 3, 4]),
  along('Softmax', 'softmax', 0, [5]),
  along('LogSoftmax', 'log_softmax', -1, [3, 4]),
  along('LogSoftmax', 'log_softmax', 1, [2, 3, 2]),
];
