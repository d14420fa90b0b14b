import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

const x = tensorOf('float32', [2, 3, 2], [1.1, -0.8, 0.5, 2.1, -1.7, 0.3, 0.9, 1.6, -0.4, -2.2, 0.7, 1.3]);
const positive = tensorOf('float32', [2, 3], [0.4, 1.2, 2, 0.7, 1.6, 0.9]);

/** Over the middle axis, over two axes with a negative one and the axes kept, over all. */
const three = (op: string, torch: (dim: string, keep: string) => string, input = x): GradientCase[] => [
  {
    name: `${op} over one axis`,
    inputs: [input],
    build: (e, v) => e.op(op, [v, e.ints([1])], { keepdims: 0 }),
    torch: torch('1', 'False'),
  },
  {
    name: `${op} over two axes, kept`,
    inputs: [input],
    build: (e, v) => e.op(op, [v, e.ints([-1, 0])]),
    torch: torch('(-1, 0)', 'True'),
  },
  {
    name: `${op} over all`,
    inputs: [input],
    build: (e, v) => e.op(op, [v], { keepdims: 0 }),
    torch: torch(input === x ? '(0, 1, 2)' : '(0, 1)', 'False'),
  },
];

export const reductionCases: readonly GradientCase[] = [
  ...three('ReduceSum', (d, k) => `x0.sum(${d}, keepdim=${k})`),
  ...three('ReduceMean', (d, k) => `x0.mean(${d}, keepdim=${k})`),
  ...three('ReduceMax', (d, k) => `x0.amax(${d}, keepdim=${k})`),
  ...three('ReduceMin', (d, k) => `x0.amin(${d}, keepdim=${k})`),
  ...three('ReduceL1', (d, k) => `x0.abs().sum(${d}, keepdim=${k})`),
  ...three('ReduceL2', (d, k) => `x0.square().sum(${d}, keepdim=${k}).sqrt()`),
  ...three('ReduceSumSquare', (d, k) => `x0.square().sum(${d}, keepdim=${k})`),
  ...three('ReduceLogSumExp', (d, k) => `torch.logsumexp(x0, ${d}, keepdim=${k})`),
  ...three('ReduceLogSum', (d, k) => `x0.sum(${d}, keepdim=${k}).log()`, positive),
  {
    name: 'ReduceProd',
    inputs: [x],
    build: (e, v) => e.op('ReduceProd', [v, e.ints([1])]),
    torch: 'x0.prod(1, keepdim=True)',
  },
  {
    name: 'ReduceProd with zeros',
    inputs: [tensorOf('float32', [3, 3], [1, 0, 2, 0, 0, 3, 1.5, -1, 2])],
    build: (e, v) => e.op('ReduceProd', [v, e.ints([1])]),
    torch: 'x0.prod(1, keepdim=True)',
  },
  {
    name: 'ReduceMax at a tie shares the gradient out',
    inputs: [tensorOf('float32', [2, 3], [1, 2, 2, 0, 3, 1])],
    build: (e, v) => e.op('ReduceMax', [v, e.ints([1])]),
    torch: 'x0.amax(1, keepdim=True)',
  },
  {
    name: 'ReduceL2 of zeros',
    inputs: [tensorOf('float32', [2, 2], [0, 0, 3, 4])],
    build: (e, v) => e.op('ReduceL2', [v, e.ints([1])], { keepdims: 0 }),
    torch: 'x0.norm(dim=1)',
  },
  {
    name: 'ReduceSum over nothing (noop_with_empty_axes)',
    inputs: [x],
    build: (e, v) => e.op('ReduceSum', [v, e.ints([])], { noop_with_empty_axes: 1 }),
    torch: 'x0',
  },
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map(
      (reverse): GradientCase => ({
        name: `CumSum, exclusive ${exclusive}, reverse ${reverse}`,
        inputs: [x],
        build: (e, v) => e.op('CumSum', [v, e.constant(tensorOf('int64', [], [-2]))], { exclusive, reverse }),
        ...(!exclusive && {
          torch: reverse ? 'x0.flip(1).cumsum(1).flip(1)' : 'x0.cumsum(1)',
        }),
      }),
    ),
  ),
];
