/** Loops, branches and lists in all the forms that TensorFlow has written them in. */
import { describe, expect, it } from 'vitest';
import {
  constant,
  expectSame,
  flags,
  type GraphNode,
  list,
  readTiny,
  real,
  scalar,
  values,
  whole,
  x,
} from './tiny-graph.ts';

const int = { T: 'DT_INT32' };
const float = { T: 'DT_FLOAT' };

/** i < n: i + 1, x · 2, in single nodes. */
const frame = (
  name: string,
  limit: string,
  start: string,
  from: string,
  invariant = 'factor',
): GraphNode[] => [
  {
    name: `${name}/enter_i`,
    op: 'Enter',
    input: [start],
    attr: { ...int, frame_name: name, is_constant: false },
  },
  {
    name: `${name}/enter_x`,
    op: 'Enter',
    input: [from],
    attr: { ...float, frame_name: name, is_constant: false },
  },
  {
    name: `${name}/enter_n`,
    op: 'Enter',
    input: [limit],
    attr: { ...int, frame_name: name, is_constant: true },
  },
  {
    name: `${name}/enter_f`,
    op: 'Enter',
    input: [invariant],
    attr: { ...float, frame_name: name, is_constant: true },
  },
  { name: `${name}/merge_i`, op: 'Merge', input: [`${name}/enter_i`, `${name}/next_i`], attr: int },
  { name: `${name}/merge_x`, op: 'Merge', input: [`${name}/enter_x`, `${name}/next_x`], attr: float },
  { name: `${name}/less`, op: 'Less', input: [`${name}/merge_i`, `${name}/enter_n`], attr: int },
  { name: `${name}/cond`, op: 'LoopCond', input: [`${name}/less`] },
  { name: `${name}/switch_i`, op: 'Switch', input: [`${name}/merge_i`, `${name}/cond`], attr: int },
  { name: `${name}/switch_x`, op: 'Switch', input: [`${name}/merge_x`, `${name}/cond`], attr: float },
  { name: `${name}/one`, op: 'Identity', input: ['one'] },
  { name: `${name}/add`, op: 'AddV2', input: [`${name}/switch_i:1`, 'one'], attr: int },
  { name: `${name}/mul`, op: 'Mul', input: [`${name}/switch_x:1`, `${name}/enter_f`], attr: float },
  { name: `${name}/next_i`, op: 'NextIteration', input: [`${name}/add`], attr: int },
  { name: `${name}/next_x`, op: 'NextIteration', input: [`${name}/mul`], attr: float },
  { name: `${name}/exit_i`, op: 'Exit', input: [`${name}/switch_i`], attr: int },
  { name: `${name}/exit_x`, op: 'Exit', input: [`${name}/switch_x`], attr: float },
];

describe('a loop of single nodes', () => {
  const given = { x: x(2, 2), n: whole([], [3]), zero: scalar(0), one: scalar(1), factor: real(2) };
  it('runs as long as its condition holds', async () => {
    const model = await expectSame({
      given,
      nodes: frame('loop', 'n', 'zero', 'x'),
      outputs: ['loop/exit_x:0', 'loop/exit_i:0'],
    });
    expect(model.graph.nodes.filter((node) => node.opType === 'Loop')).toHaveLength(1);
  });
  it('starts where another ends', async () => {
    const nodes = [...frame('first', 'n', 'zero', 'x'), ...frame('second', 'n', 'one', 'first/exit_x')];
    await expectSame({ given, nodes, outputs: ['second/exit_x:0'] });
  });
  it('that lacks its way back is refused', () => {
    const nodes = frame('loop', 'n', 'zero', 'x')
      .filter((node) => node.op !== 'NextIteration')
      .map((node) => (node.op === 'Merge' ? { ...node, input: [node.input![0]!, node.input![0]!] } : node));
    expect(() => readTiny({ given, nodes, outputs: ['loop/exit_x:0'] })).toThrow(
      expect.objectContaining({ code: 'TFJS_MALFORMED' }),
    );
  });
});

const argument = (name: string, type: string) => ({ name, type });
const fn = (name: string, inputs: object[], outputs: object[], nodeDef: object[], ret: object) => ({
  signature: { name, inputArg: inputs, outputArg: outputs },
  nodeDef,
  ret,
});

const library = {
  function: [
    fn(
      'less',
      [argument('i', 'DT_INT32'), argument('x', 'DT_FLOAT'), argument('n', 'DT_INT32')],
      [argument('go', 'DT_BOOL')],
      [{ name: 'Less', op: 'Less', input: ['i', 'n'] }],
      { go: 'Less:z:0' },
    ),
    fn(
      'step',
      [argument('i', 'DT_INT32'), argument('x', 'DT_FLOAT'), argument('n', 'DT_INT32')],
      [argument('i1', 'DT_INT32'), argument('x1', 'DT_FLOAT'), argument('n1', 'DT_INT32')],
      [
        { name: 'sum', op: 'AddV2', input: ['x', 'x'] },
        { name: 'rank', op: 'Rank', input: ['x'] },
        { name: 'next', op: 'AddV2', input: ['i', 'rank:output:0'] },
        { name: 'same', op: 'Identity', input: ['n'] },
      ],
      { i1: 'next:z:0', x1: 'sum:z:0', n1: 'same:output:0' },
    ),
    fn(
      'double',
      [argument('x', 'DT_FLOAT')],
      [argument('y', 'DT_FLOAT')],
      [{ name: 'y', op: 'AddV2', input: ['x', 'x'] }],
      { y: 'y:z:0' },
    ),
    fn(
      'negative',
      [argument('x', 'DT_FLOAT')],
      [argument('y', 'DT_FLOAT')],
      [{ name: 'y', op: 'Neg', input: ['x'] }],
      { y: 'y:y:0' },
    ),
  ],
};

const func = (name: string) => ({ func: { name } });

describe('a loop of functions', () => {
  it.each(['While', 'StatelessWhile'])('runs as long as its condition holds: %s', async (op) => {
    const given = { i: whole([], [0]), x: x(3), n: whole([], [4]) };
    const nodes = [
      { name: 'loop', op, input: ['i', 'x', 'n'], attr: { cond: func('less'), body: func('step') } },
    ];
    await expectSame({ given, nodes, outputs: ['loop:0', 'loop:1'], library });
  });
});

describe('a branch', () => {
  it.each([0, 1])('of functions follows its condition: %d', async (truth) => {
    const given = { c: flags([], [truth]), x: x(3) };
    const nodes = [
      {
        name: 'y',
        op: 'StatelessIf',
        input: ['c', 'x'],
        attr: { then_branch: func('double'), else_branch: func('negative') },
      },
    ];
    await expectSame({ given, nodes, outputs: ['y:0'], library });
  });
  it.each([0, 1])('of single nodes follows its condition: %d', async (truth) => {
    const given = { c: flags([], [truth]), x: x(3) };
    const nodes = [
      { name: 's', op: 'Switch', input: ['x', 'c'], attr: float },
      { name: 'no', op: 'Neg', input: ['s'], attr: float },
      { name: 'yes', op: 'Square', input: ['s:1'], attr: float },
      { name: 'y', op: 'Merge', input: ['no', 'yes'], attr: float },
    ];
    await expectSame({ given, nodes, outputs: ['y:0'] });
  });
  it('that is decided beforehand is no branch', async () => {
    const given = { c: constant(flags([], [1])), x: x(3) };
    const nodes = [
      { name: 's', op: 'Switch', input: ['x', 'c'], attr: float },
      { name: 'no', op: 'Neg', input: ['s'], attr: float },
      { name: 'yes', op: 'Square', input: ['s:1'], attr: float },
      { name: 'y', op: 'Merge', input: ['no', 'yes'], attr: float },
    ];
    const model = await expectSame({ given, nodes, outputs: ['y:0'] });
    expect(model.graph.nodes.map((node) => node.opType)).toEqual(['Mul']);
  });
  it('of a function that calls itself is refused', () => {
    const endless = {
      function: [
        fn(
          'f',
          [argument('c', 'DT_BOOL')],
          [argument('y', 'DT_BOOL')],
          [
            {
              name: 'y',
              op: 'StatelessIf',
              input: ['c', 'c'],
              attr: { then_branch: func('f'), else_branch: func('f') },
            },
          ],
          { y: 'y:output:0' },
        ),
      ],
    };
    const nodes = [
      {
        name: 'y',
        op: 'StatelessIf',
        input: ['c', 'c'],
        attr: { then_branch: func('f'), else_branch: func('f') },
      },
    ];
    expect(() => readTiny({ given: { c: flags([], [1]) }, nodes, outputs: ['y'], library: endless })).toThrow(
      expect.objectContaining({ code: 'TFJS_MALFORMED' }),
    );
  });
});

const element = { element_dtype: 'DT_FLOAT' };

describe('a list', () => {
  const given = {
    x: x(3, 2),
    shape: list(2),
    none: constant(whole([0], [])),
    n: scalar(3),
    i: whole([], [1]),
    row: values([2], [7, 8]),
    picks: whole([2], [2, 0]),
    lengths: list(1, 2),
    ones: list(1, 1, 1),
    two: scalar(2),
    four: whole([], [4]),
  };
  const from = { name: 'l', op: 'TensorListFromTensor', input: ['x', 'shape'], attr: element };
  it.each<[string, GraphNode[], string]>([
    [
      'stacks what it holds',
      [{ name: 'y', op: 'TensorListStack', input: ['l', 'shape'], attr: element }],
      'y',
    ],
    [
      'gives the element at a place',
      [{ name: 'y', op: 'TensorListGetItem', input: ['l', 'i', 'shape'], attr: element }],
      'y',
    ],
    [
      'takes an element',
      [
        { name: 's', op: 'TensorListSetItem', input: ['l', 'i', 'row'], attr: element },
        { name: 'y', op: 'TensorListStack', input: ['s', 'shape'], attr: element },
      ],
      'y',
    ],
    [
      'takes one more',
      [
        { name: 's', op: 'TensorListPushBack', input: ['l', 'row'], attr: element },
        { name: 'y', op: 'TensorListStack', input: ['s', 'shape'], attr: element },
      ],
      'y',
    ],
    [
      'gives those at some places',
      [{ name: 'y', op: 'TensorListGather', input: ['l', 'picks', 'shape'], attr: element }],
      'y',
    ],
    ['knows its length', [{ name: 'y', op: 'TensorListLength', input: ['l'] }], 'y'],
    [
      'starts with zeros',
      [
        { name: 'r', op: 'TensorListReserve', input: ['shape', 'n'], attr: element },
        { name: 's', op: 'TensorListSetItem', input: ['r', 'i', 'row'], attr: element },
        { name: 'y', op: 'TensorListGetItem', input: ['s', 'i', 'shape'], attr: element },
      ],
      'y',
    ],
    [
      'is made of rows',
      [
        { name: 's', op: 'TensorListSplit', input: ['x', 'shape', 'ones'], attr: element },
        { name: 'y', op: 'TensorListStack', input: ['s', 'shape'], attr: element },
      ],
      'y',
    ],
    [
      'gets shorter',
      [
        { name: 's', op: 'TensorListResize', input: ['l', 'two'] },
        { name: 'y', op: 'TensorListStack', input: ['s', 'shape'], attr: element },
      ],
      'y',
    ],
    [
      'gets longer, and is written there',
      [
        { name: 's', op: 'TensorListResize', input: ['l', 'four'] },
        { name: 'w', op: 'TensorListSetItem', input: ['s', 'n', 'row'], attr: element },
        { name: 'y', op: 'TensorListStack', input: ['w', 'shape'], attr: element },
      ],
      'y',
    ],
    [
      'joins what it holds',
      [
        {
          name: 'y',
          op: 'TensorListConcatV2',
          input: ['l'],
          attr: { ...element, element_shape: { shape: { dim: [{ size: 2 }] } } },
        },
      ],
      'y',
    ],
  ])('%s', async (_, nodes, output) => {
    await expectSame({ given, nodes: [from, ...nodes], outputs: [`${output}:0`] });
  });

  it('of longer pieces is refused, which TensorFlow.js does not take either', () => {
    const nodes: GraphNode[] = [
      { name: 's', op: 'TensorListSplit', input: ['x', 'shape', 'lengths'], attr: element },
      { name: 'y', op: 'TensorListLength', input: ['s'] },
    ];
    expect(() => readTiny({ given, nodes, outputs: ['y:0'] })).toThrow(
      expect.objectContaining({ code: 'TFJS_OPERATOR_FORM', message: expect.stringContaining('"s"') }),
    );
  });

  it.each([
    ['of several rows', [-1, 2], [1, 2]],
    ['of one row', [2], [1, 1, 1]],
  ])('of the first kind is made of pieces %s', async (_, shape, lengths) => {
    const nodes: GraphNode[] = [
      {
        name: 'a',
        op: 'TensorArrayV3',
        input: ['size'],
        attr: { ...array, element_shape: { shape: { dim: shape.map((size) => ({ size })) } } },
      },
      { name: 'flow', op: 'TensorArraySplitV3', input: ['a', 'x', 'parts', 'a:1'], attr: { T: 'DT_FLOAT' } },
      { name: 'y', op: 'TensorArrayReadV3', input: ['a', 'i', 'flow'], attr: { dtype: 'DT_FLOAT' } },
    ];
    const size = scalar(lengths.length);
    await expectSame({ given: { ...given, size, parts: list(...lengths) }, nodes, outputs: ['y:0'] });
  });

  const array = {
    dtype: 'DT_FLOAT',
    element_shape: { shape: { dim: [{ size: 2 }] } },
    dynamic_size: false,
    clear_after_read: false,
    identical_element_shapes: true,
    tensor_array_name: 'a',
  };
  const scattered: GraphNode[] = [
    { name: 'a', op: 'TensorArrayV3', input: ['n'], attr: array },
    { name: 'order', op: 'Identity', input: ['order_c'] },
    {
      name: 'flow',
      op: 'TensorArrayScatterV3',
      input: ['a', 'order_c', 'x', 'a:1'],
      attr: { T: 'DT_FLOAT' },
    },
  ];
  it.each<[string, GraphNode[]]>([
    [
      'is scattered and gathered',
      [
        {
          name: 'y',
          op: 'TensorArrayGatherV3',
          input: ['a', 'picks', 'flow'],
          attr: { dtype: 'DT_FLOAT', element_shape: array.element_shape },
        },
      ],
    ],
    [
      'is read at a place',
      [{ name: 'y', op: 'TensorArrayReadV3', input: ['a', 'i', 'flow'], attr: { dtype: 'DT_FLOAT' } }],
    ],
    ['knows its size', [{ name: 'y', op: 'TensorArraySizeV3', input: ['a', 'flow'] }]],
  ])('of the first kind %s', async (_, nodes) => {
    await expectSame({
      given: { ...given, order_c: list(2, 0, 1) },
      nodes: [...scattered, ...nodes],
      outputs: ['y:0'],
    });
  });
});
