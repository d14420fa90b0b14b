import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

const whole = (dims: readonly number[], ...values: number[]) => tensorOf('int64', dims, values);

export const indexingCases: readonly GradientCase[] = [
  {
    name: 'Gather of rows, some twice, one from the end',
    inputs: [[5, 3], whole([2, 3], 1, 4, 1, 0, -2, 1)],
    build: (e, x, i) => e.op('Gather', [x, i]),
    torch: 'x0[x1]',
  },
  {
    name: 'Gather along a middle axis',
    inputs: [[2, 4, 3], whole([3], 3, 0, 3)],
    build: (e, x, i) => e.op('Gather', [x, i], { axis: 1 }),
    torch: 'x0[:, x1]',
  },
  {
    name: 'Gather of one constant index',
    inputs: [[2, 4, 3]],
    build: (e, x) => e.op('Gather', [x, e.constant(whole([], -1))], { axis: 1 }),
    torch: 'x0[:, -1]',
  },
  {
    name: 'Gather of constant indices in order',
    inputs: [[2, 4, 3]],
    build: (e, x) => e.op('Gather', [x, e.ints([1, 2])], { axis: -2 }),
    torch: 'x0[:, 1:3]',
  },
  {
    name: 'Gather of constant indices out of order',
    inputs: [[2, 4, 3]],
    build: (e, x) => e.op('Gather', [x, e.ints([2, 0, -2])], { axis: -1 }),
    torch: 'x0[:, :, [2, 0, -2]]',
  },
  {
    name: 'Gather by int32',
    inputs: [[5, 3], tensorOf('int32', [3], [1, -1, 1])],
    build: (e, x, i) => e.op('Gather', [x, i]),
    torch: 'x0[x1.long()]',
  },
  {
    name: 'Gather from a table of more rows than are multiplied out',
    inputs: [[150, 2], whole([5], 149, 3, 149, -1, 0)],
    build: (e, x, i) => e.op('Gather', [x, i]),
    torch: 'x0[x1]',
  },
  {
    name: 'GatherElements with repeats',
    inputs: [[3, 4], whole([2, 4], 0, 2, 1, 0, 0, 2, 2, 1)],
    build: (e, x, i) => e.op('GatherElements', [x, i]),
    torch: 'torch.gather(x0, 0, x1)',
  },
  {
    name: 'GatherND of single elements, with repeats',
    inputs: [[3, 4], whole([3, 2], 0, 1, 2, -1, 0, 1)],
    build: (e, x, i) => e.op('GatherND', [x, i]),
    torch: 'x0[x1[:, 0], x1[:, 1]]',
  },
  {
    name: 'GatherND of rows in a batch',
    inputs: [[2, 3, 4], whole([2, 2, 1], 0, 2, 1, 1)],
    build: (e, x, i) => e.op('GatherND', [x, i], { batch_dims: 1 }),
    torch: 'torch.stack([x0[0][x1[0, :, 0]], x0[1][x1[1, :, 0]]])',
  },
  {
    name: 'ScatterElements',
    inputs: [[3, 4], whole([2, 2], 0, 3, 2, -3), [2, 2]],
    build: (e, ...x) => e.op('ScatterElements', x, { axis: 1 }),
    torch: 'torch.scatter(x0, 1, x1 % 4, x2)',
  },
  {
    name: 'ScatterElements that adds',
    inputs: [[3, 4], whole([2, 2], 0, 3, 2, 2), [2, 2]],
    build: (e, ...x) => e.op('ScatterElements', x, { axis: 1, reduction: 'add' }),
    torch: 'torch.scatter_add(x0, 1, x1, x2)',
  },
  {
    name: 'ScatterElements that multiplies',
    inputs: [[3, 4], whole([2, 2], 0, 3, 2, 1), [2, 2]],
    build: (e, ...x) => e.op('ScatterElements', x, { axis: 1, reduction: 'mul' }),
  },
  {
    name: 'ScatterElements that takes the larger',
    inputs: [[3, 4], whole([2, 2], 0, 3, 2, 1), [2, 2]],
    build: (e, ...x) => e.op('ScatterElements', x, { axis: 1, reduction: 'max' }),
  },
  {
    name: 'ScatterND of rows',
    inputs: [[3, 4], whole([2, 1], 2, 0), [2, 4]],
    build: (e, ...x) => e.op('ScatterND', x),
    torch: 'torch.index_put(x0, (x1[:, 0],), x2)',
  },
  {
    name: 'ScatterND that adds',
    inputs: [[3, 4], whole([2, 2], 2, 0, 1, 1), [2]],
    build: (e, ...x) => e.op('ScatterND', x, { reduction: 'add' }),
    torch: 'torch.index_put(x0, (x1[:, 0], x1[:, 1]), x2, accumulate=True)',
  },
  {
    name: 'TopK',
    inputs: [tensorOf('float32', [2, 4], [1, 3, -2, 0.5, 0, -1, 2, 4])],
    build: (e, x) => e.ops('TopK', [x, e.ints([2])], 2)[0]!,
    torch: 'torch.topk(x0, 2).values',
  },
  {
    name: 'TopK of the smallest along axis 0',
    inputs: [tensorOf('float32', [3, 2], [1, 3, -2, 0.5, 0, -1])],
    build: (e, x) => e.ops('TopK', [x, e.ints([2])], 2, { axis: 0, largest: 0 })[0]!,
    torch: 'torch.topk(x0, 2, dim=0, largest=False).values',
  },
  {
    name: 'ReverseSequence',
    inputs: [[4, 2], whole([2], 3, 2)],
    build: (e, x, lengths) => e.op('ReverseSequence', [x, lengths]),
    torch: 'torch.stack([x0[[2, 1, 0, 3], 0], x0[[1, 0, 2, 3], 1]], 1)',
  },
];
