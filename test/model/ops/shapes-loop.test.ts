/** Types that inference writes into bodies of Loops, as onnxruntime takes them. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { numbers, tensorOf } from '../../../src/model/ir/tensor.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { runModel } from '../../run-model.ts';

/** Adds the count of each round to x; all of M, condition and count have one element in an axis. */
const model = parseModel(`
<ir_version: 8, opset_import: ["" : 12]>
g (float[1] x) => (float[1] y, float[K,1] z) <
  int64[1] trips = {3}, bool[1] goes = {1}, float[4] table = {10, 20, 40, 80}, int64[1] one = {1}, int64[1] axis = {0}
> {
  y, z = Loop (trips, goes, x) <
    body = round (int64[1] i, bool[1] on, float[1] s) => (bool[1] still, float[1] t, float[1] row) {
      still = Identity (on)
      next = Add (i, one)
      row = Slice (table, i, next, axis)
      t = Add (s, row)
    }
  >
}`);

describe('a Loop whose body declares its count and condition with an axis', () => {
  it('keeps the axis, which the runtime hands over, and computes the same', async () => {
    const engine = await openEngine();
    const typed = cloneModel(model);
    inferShapes(typed);
    const feeds = { x: tensorOf('float32', [1], [1]) };
    const [before, after] = [await runModel(engine, model, feeds), await runModel(engine, typed, feeds)];
    expect(numbers(before['y']!)).toEqual([71]);
    expect(numbers(after['y']!)).toEqual(numbers(before['y']!));
    expect(numbers(after['z']!)).toEqual(numbers(before['z']!));
  });
});

describe('Loops in Loops', () => {
  it('are followed in rounds that add up, where each level carries what grows', () => {
    const nested = (depth: number, given: string): string =>
      depth === 0
        ? `v0 = Relu (${given})`
        : `v${depth} = Loop (n, c, ${given}) <
            body = b${depth} (int64 i${depth}, bool k${depth}, float[a,b] s${depth}) => (bool o${depth}, float[a,b] t${depth}) {
              o${depth} = Identity (k${depth})
              ${nested(depth - 1, `s${depth}`)}
              t${depth} = Concat <axis = 0> (s${depth}, v${depth - 1})
            }
          >`;
    const deep = parseModel(
      `<ir_version: 8, opset_import: ["" : 17]>
      g (float[2,3] x) => (float[a,b] y) <int64 n = {1}, bool c = {1}> { ${nested(40, 'x')} y = Relu (v40) }`,
    );
    expect(inferShapes(deep).missing).toEqual([]);
    const { type } = deep.graph.outputs[0]!;
    expect(type).toMatchObject({ dtype: 'float32', shape: [expect.any(String), 3] });
  });
});
