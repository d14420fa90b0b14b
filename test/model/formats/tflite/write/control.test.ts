/** Branches and loops: what LiteRT computes with the written graphs, against onnxruntime on the model. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { hasLitert, litertTitle, runTfliteAll } from '../../../../litert.ts';
import { normalTensor, runModel } from '../../../../run-model.ts';
import { caseOf, errorOf, type Tensors } from './run-written.ts';
import { readTables } from './tables.ts';

const text = (graph: string) => parseModel(`<ir_version: 8, opset_import: ["" : 17]>\n${graph}`);
const flag = (value: number) => tensorOf('bool', [], [value]);
const whole = (value: number) => tensorOf('int64', [], [value]);
const x = normalTensor([2, 3], 1);

interface Case {
  readonly name: string;
  readonly graph: string;
  readonly feeds: readonly Tensors[];
}

const branches = `
  then_branch = taken () => (float[2,3] p, float[2,3] q) { p = Relu (a) q = Mul (a, x) },
  else_branch = other () => (float[2,3] r, float[2,3] s) <float[2,3] w = {1, 2, 3, 4, 5, 6}> {
    s = Identity (a) r = Add (w, x)
  }`;

const cases: readonly Case[] = [
  {
    name: 'If: branches read what stands around them, hand it on and hold constants',
    graph: `g (bool c, float[2,3] x) => (float[2,3] y, float[2,3] z) { a = Abs (x) y, z = If (c) <${branches}> }`,
    feeds: [1, 0].map((c) => ({ c: flag(c), x })),
  },
  {
    name: 'If within If, the inner condition computed in the branch',
    graph: `g (bool c, float[2,3] x) => (float[2,3] y) {
      y = If (c) <
        then_branch = outer () => (float[2,3] p) <float zero = {0}, int64[2] all = {0, 1}> {
          m = ReduceMax <axes = [0, 1], keepdims = 0> (x)
          d = Greater (m, zero)
          p = If (d) <
            then_branch = deep () => (float[2,3] q) { q = Sub (x, m) },
            else_branch = flat () => (float[2,3] r) { r = Neg (x) }
          >
        },
        else_branch = none () => (float[2,3] s) { s = Exp (x) }
      >
    }`,
    feeds: [
      { c: flag(1), x },
      { c: flag(1), x: tensorOf('float32', [2, 3], [-1, -2, -3, -4, -5, -6]) },
      { c: flag(0), x },
    ],
  },
  {
    name: 'If around a Conv: its branches have channels last inside',
    graph: `g (bool c, float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,3,3] w = {
        1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 0, 3, 2, 5, 3, 7, 1, 9, 2, 2, 3, 1, 5, 6, 0, 8, 9, 4, 2, 3, 1, 5, 6, 7, 8, 3}> {
      a = Conv <pads = [1, 1, 1, 1]> (x, w)
      y = If (c) <
        then_branch = taken () => (float[1,2,4,4] p) { b = Relu (a) p = Conv <pads = [1, 1, 1, 1]> (b, w) },
        else_branch = other () => (float[1,2,4,4] q) { q = Relu (a) }
      >
    }`,
    feeds: [1, 0].map((c) => ({ c: flag(c), x: normalTensor([1, 2, 4, 4], 3) })),
  },
  {
    name: 'Loop: a count that is fed, a condition that ends it, a value from around it',
    graph: `g (int64 n, float[2,3] x) => (float[2,3] y, int64 last) <bool go = {1}, float limit = {40}, int64 none = {-1}> {
      a = Abs (x)
      y, last = Loop (n, go, x, none) <
        body = round (int64 i, bool c, float[2,3] v, int64 l) => (bool d, float[2,3] w, int64 k) {
          w = Add (v, a) k = Identity (i)
          m = ReduceSum <keepdims = 0> (w) d = Less (m, limit)
        }
      >
    }`,
    feeds: [0, 1, 3, 100].map((n) => ({ n: whole(n), x })),
  },
  {
    name: 'Loop: as often as is written in the model, results of rounds stacked',
    graph: `g (float[2,3] x) => (float[2,3] y, float[4,2,3] all, int64[4] numbers) <int64 n = {4}, bool go = {1}> {
      y, all, numbers = Loop (n, go, x) <
        body = round (int64 i, bool c, float[2,3] v) => (bool d, float[2,3] w, float[2,3] s, int64 k) <float two = {2}> {
          d = Identity (c) w = Mul (v, two) s = Sub (w, x) k = Identity (i)
        }
      >
    }`,
    feeds: [{ x }],
  },
  {
    name: 'Scan: backwards, along the second axis, into another',
    graph: `g (float[2] h, float[2,3] x) => (float[2] y, float[2,3] all) {
      y, all = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_input_directions = [1], scan_output_axes = [1],
        scan_output_directions = [1], body = step (float[2] a, float[2] b) => (float[2] c, float[2] d) {
          c = Add (a, b) d = Mul (a, b)
        }
      > (h, x)
    }`,
    feeds: [{ h: normalTensor([2], 4), x }],
  },
];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

describe.skipIf(!hasLitert)(`branches and loops ${litertTitle}`, () => {
  it.each(cases)('$name', async ({ graph, feeds }) => {
    const answers = runTfliteAll(feeds.map((feed) => caseOf(text(graph), feed)));
    for (const [i, feed] of feeds.entries())
      expect(errorOf(await runModel(engine, text(graph), feed), answers[i]!, 1)).toBeLessThanOrEqual(1e-5);
  });
});

const code = (graph: string) => {
  try {
    writeTflite(text(graph));
    return 'written';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('branches and loops that are not written', () => {
  it('refuses branches whose results differ in size', () => {
    const graph = `g (bool c, float[2,3] x) => (float[?,3] y) { y = If (c) <
      then_branch = taken () => (float[2,3] p) { p = Relu (x) },
      else_branch = other () => (float[4,3] q) { q = Concat <axis = 0> (x, x) }
    > }`;
    expect(code(graph)).toBe('TFLITE_OPERATOR');
  });

  it('refuses a stack of as many results as a loop happens to have rounds', () => {
    const graph = `g (int64 n, float[3] x) => (float[3] y, float[?,3] all) <bool go = {1}> {
      y, all = Loop (n, go, x) <
        body = round (int64 i, bool c, float[3] v) => (bool d, float[3] w, float[3] s) {
          d = Identity (c) w = Add (v, x) s = Identity (w)
        }
      >
    }`;
    expect(code(graph)).toBe('TFLITE_OPERATOR');
  });
});

it('stores a weight that both branches have once', () => {
  const weight = `float[64] w = {${Array.from({ length: 64 }, (_, i) => i).join()}}`;
  const graph = `g (bool c, float[64] x) => (float[64] y) { y = If (c) <
    then_branch = taken () => (float[64] p) <${weight}> { p = Add (x, w) },
    else_branch = other () => (float[64] q) <${weight.replace('w', 'v')}> { q = Mul (x, v) }
  > }`;
  const { root } = readTables(writeTflite(text(graph)));
  const sizes = (root['buffers'] as readonly { data?: Uint8Array }[]).map(({ data }) => data?.length ?? 0);
  expect(sizes.filter((size) => size === 256)).toHaveLength(1);
});
