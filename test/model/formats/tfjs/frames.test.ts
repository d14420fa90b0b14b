/** Loops and branches of single nodes that stand in one another, as tf.while_loop and tf.cond of TensorFlow 1 write them. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { numbers } from '../../../../src/model/ir/tensor.ts';
import { runModel } from '../../../run-model.ts';
import {
  type Attribute,
  expectSame,
  flags,
  type GraphNode,
  readTiny,
  real,
  scalar,
  whole,
  x,
} from './tiny-graph.ts';

const float = { T: 'DT_FLOAT' };
const int = { T: 'DT_INT32' };

interface Variable {
  readonly name: string;
  readonly from: string;
  readonly type: Readonly<Record<string, Attribute>>;
  /** What the next round gets; `:in` stands for the value in this round. */
  readonly next: string;
}

interface LoopText {
  readonly name: string;
  readonly variables: readonly Variable[];
  /** Read in each round and never changed: name within the loop to what it is. */
  readonly invariants: Readonly<Record<string, readonly [string, Readonly<Record<string, Attribute>>]>>;
  /** The node that says whether to go on. */
  readonly test: string;
  readonly body: readonly GraphNode[];
}

/** Names: "loop/i" before the Switch, "loop/i/in" in a round, "loop/i/exit" behind the loop. */
function loop({ name, variables, invariants, test, body }: LoopText): GraphNode[] {
  const at = (part: string) => `${name}/${part}`;
  return [
    ...Object.entries(invariants).map(
      ([key, [from, type]]): GraphNode => ({
        name: at(key),
        op: 'Enter',
        input: [from],
        attr: { ...type, frame_name: name, is_constant: true },
      }),
    ),
    ...variables.flatMap(({ name: key, from, type, next }): GraphNode[] => [
      {
        name: at(`${key}/enter`),
        op: 'Enter',
        input: [from],
        attr: { ...type, frame_name: name, is_constant: false },
      },
      { name: at(key), op: 'Merge', input: [at(`${key}/enter`), at(`${key}/next`)], attr: type },
      { name: at(`${key}/switch`), op: 'Switch', input: [at(key), at('cond')], attr: type },
      { name: at(`${key}/in`), op: 'Identity', input: [`${at(`${key}/switch`)}:1`], attr: type },
      { name: at(`${key}/next`), op: 'NextIteration', input: [next], attr: type },
      { name: at(`${key}/exit`), op: 'Exit', input: [at(`${key}/switch`)], attr: type },
    ]),
    { name: at('cond'), op: 'LoopCond', input: [test] },
    ...body,
  ];
}

/** x := x · f as long as i < n, i from `from`. */
const times = (name: string, xFrom: string, n: string, f: string, from = 'outer/zero'): GraphNode[] =>
  loop({
    name,
    variables: [
      { name: 'i', from, type: int, next: `${name}/more` },
      { name: 'x', from: xFrom, type: float, next: `${name}/product` },
    ],
    invariants: { n: [n, int], f: [f, float] },
    test: `${name}/less`,
    body: [
      { name: `${name}/less`, op: 'Less', input: [`${name}/i`, `${name}/n`], attr: int },
      { name: `${name}/more`, op: 'AddV2', input: [`${name}/i/in`, 'one'], attr: int },
      { name: `${name}/product`, op: 'Mul', input: [`${name}/x/in`, `${name}/f`], attr: float },
    ],
  });

/** A branch on `c`: the square of x where it holds, else its negative. */
const branch = (name: string, from: string, c: string): GraphNode[] => [
  { name: `${name}/switch`, op: 'Switch', input: [from, c], attr: float },
  { name: `${name}/no`, op: 'Neg', input: [`${name}/switch`], attr: float },
  { name: `${name}/yes`, op: 'Square', input: [`${name}/switch:1`], attr: float },
  { name, op: 'Merge', input: [`${name}/no`, `${name}/yes`], attr: float },
];

const given = {
  x: x(2, 2),
  n: whole([], [3]),
  m: whole([], [2]),
  zero: scalar(0),
  one: scalar(1),
  f: real(1.5),
};

/** A loop around `inner`, whose result is `result`; it reads "outer/x/in", "outer/i/in", "outer/m" and "outer/f". */
const around = (inner: readonly GraphNode[], result: string): GraphNode[] =>
  loop({
    name: 'outer',
    variables: [
      { name: 'i', from: 'zero', type: int, next: 'outer/more' },
      { name: 'x', from: 'x', type: float, next: 'outer/sum' },
    ],
    invariants: { n: ['n', int], limit: ['m', int], factor: ['f', float] },
    test: 'outer/less',
    body: [
      { name: 'outer/less', op: 'Less', input: ['outer/i', 'outer/n'], attr: int },
      { name: 'outer/more', op: 'AddV2', input: ['outer/i/in', 'one'], attr: int },
      // Where TensorFlow puts a constant into a loop by a control edge.
      { name: 'outer/zero', op: 'Sub', input: ['outer/i/in', 'outer/i/in'], attr: int },
      // What an inner loop reads comes anew in each round: TensorFlow.js hands an Enter only to the first.
      {
        name: 'outer/nothing',
        op: 'Cast',
        input: ['outer/zero'],
        attr: { SrcT: 'DT_INT32', DstT: 'DT_FLOAT' },
      },
      { name: 'outer/m', op: 'AddV2', input: ['outer/limit', 'outer/zero'], attr: int },
      { name: 'outer/f', op: 'AddV2', input: ['outer/factor', 'outer/nothing'], attr: float },
      ...inner,
      { name: 'outer/sum', op: 'AddV2', input: [result, 'outer/f'], attr: float },
    ],
  });

const results = ['outer/x/exit:0', 'outer/i/exit:0'];

describe('a loop in a loop', () => {
  it('runs anew in each round', () =>
    expectSame({
      given,
      nodes: around(times('inner', 'outer/x/in', 'outer/m', 'outer/f'), 'inner/x/exit'),
      outputs: results,
    }));

  it('may begin and end by what the outer one counts', () =>
    expectSame({
      given,
      nodes: around(times('inner', 'outer/x/in', 'outer/i/in', 'outer/f'), 'inner/x/exit'),
      outputs: results,
    }));

  /** TensorFlow.js never ends this; it is the same computation as the first. */
  it('may take what no loop changes straight from the outer one', async () => {
    const ours = async (m: string, f: string) => {
      const nodes = around(times('inner', 'outer/x/in', m, f), 'inner/x/exit');
      const model = readTiny({ given, nodes, outputs: results });
      const feeds = { x: given.x.tensor, n: given.n.tensor, m: given.m.tensor };
      return Object.values(await runModel(await openEngine('node'), model, feeds)).map(numbers);
    };
    const straight = await ours('outer/limit', 'outer/factor');
    expect(straight).toEqual(await ours('outer/m', 'outer/f'));
  });

  it('may follow another in the same round', () =>
    expectSame({
      given,
      nodes: around(
        [
          ...times('first', 'outer/x/in', 'outer/m', 'outer/f'),
          ...times('second', 'first/x/exit', 'outer/m', 'outer/f', 'outer/i/in'),
        ],
        'second/x/exit',
      ),
      outputs: results,
    }));

  it('may hold a third', () =>
    expectSame({
      given,
      nodes: around(
        loop({
          name: 'middle',
          variables: [
            { name: 'i', from: 'outer/zero', type: int, next: 'middle/more' },
            { name: 'x', from: 'outer/x/in', type: float, next: 'inner/x/exit' },
          ],
          invariants: { m: ['outer/m', int], f: ['outer/f', float] },
          test: 'middle/less',
          body: [
            { name: 'middle/less', op: 'Less', input: ['middle/i', 'middle/m'], attr: int },
            { name: 'middle/more', op: 'AddV2', input: ['middle/i/in', 'one'], attr: int },
            { name: 'middle/m/now', op: 'AddV2', input: ['middle/m', 'middle/zero'], attr: int },
            { name: 'middle/nothing', op: 'Sub', input: ['middle/x/in', 'middle/x/in'], attr: float },
            { name: 'middle/f/now', op: 'AddV2', input: ['middle/f', 'middle/nothing'], attr: float },
            { name: 'middle/zero', op: 'Sub', input: ['middle/i/in', 'middle/i/in'], attr: int },
            ...times('inner', 'middle/x/in', 'middle/m/now', 'middle/f/now', 'middle/zero'),
          ],
        }),
        'middle/x/exit',
      ),
      outputs: results,
    }));
});

describe('a branch in a loop', () => {
  const half: GraphNode[] = [
    { name: 'odd', op: 'FloorMod', input: ['outer/i/in', 'outer/m'], attr: int },
    { name: 'isOdd', op: 'Cast', input: ['odd'], attr: { SrcT: 'DT_INT32', DstT: 'DT_BOOL' } },
  ];

  it('goes another way from round to round', () =>
    expectSame({
      given,
      nodes: around([...half, ...branch('b', 'outer/x/in', 'isOdd')], 'b'),
      outputs: results,
    }));

  it('may hold a loop on one side', async () => {
    const nodes: GraphNode[] = [
      ...half,
      { name: 'b/switch', op: 'Switch', input: ['outer/x/in', 'isOdd'], attr: float },
      { name: 'b/m', op: 'Switch', input: ['outer/m', 'isOdd'], attr: int },
      { name: 'b/f', op: 'Switch', input: ['outer/f', 'isOdd'], attr: float },
      { name: 'b/zero', op: 'Switch', input: ['outer/zero', 'isOdd'], attr: int },
      { name: 'b/no', op: 'Neg', input: ['b/switch'], attr: float },
      ...times('inner', 'b/switch:1', 'b/m:1', 'b/f:1', 'b/zero:1'),
      { name: 'b', op: 'Merge', input: ['b/no', 'inner/x/exit'], attr: float },
    ];
    await expectSame({ given, nodes: around(nodes, 'b'), outputs: results });
  });

  it('may stand in a branch', () =>
    expectSame({
      given: { ...given, c: flags([], [1]) },
      nodes: around(
        [
          {
            name: 'c/outer',
            op: 'Enter',
            input: ['c'],
            attr: { T: 'DT_BOOL', frame_name: 'outer', is_constant: true },
          },
          ...half,
          { name: 'a/switch', op: 'Switch', input: ['outer/x/in', 'c/outer'], attr: float },
          { name: 'a/odd', op: 'Switch', input: ['isOdd', 'c/outer'], attr: { T: 'DT_BOOL' } },
          { name: 'a/no', op: 'Relu', input: ['a/switch'], attr: float },
          ...branch('b', 'a/switch:1', 'a/odd:1'),
          { name: 'a', op: 'Merge', input: ['a/no', 'b'], attr: float },
        ],
        'a',
      ),
      outputs: results,
    }));
});

describe('a loop in a branch', () => {
  it.each([0, 1])('runs where the branch is taken: %d', async (truth) => {
    const nodes: GraphNode[] = [
      { name: 's', op: 'Switch', input: ['x', 'c'], attr: float },
      { name: 's/n', op: 'Switch', input: ['n', 'c'], attr: int },
      { name: 's/f', op: 'Switch', input: ['f', 'c'], attr: float },
      { name: 's/zero', op: 'Switch', input: ['zero', 'c'], attr: int },
      { name: 'no', op: 'Neg', input: ['s'], attr: float },
      ...times('inner', 's:1', 's/n:1', 's/f:1', 's/zero:1'),
      { name: 'y', op: 'Merge', input: ['no', 'inner/x/exit'], attr: float },
    ];
    await expectSame({ given: { ...given, c: flags([], [truth]) }, nodes, outputs: ['y:0'] });
  });
});

it('of nested loops each is one Loop, the inner within the outer', async () => {
  const model = await expectSame({
    given,
    nodes: around(times('inner', 'outer/x/in', 'outer/m', 'outer/f'), 'inner/x/exit'),
    outputs: results,
  });
  expect(model.graph.nodes.filter((node) => node.opType === 'Loop')).toHaveLength(1);
});
