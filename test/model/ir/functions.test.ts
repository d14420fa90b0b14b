import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { addNode } from '../../../src/model/ir/edit.ts';
import { expandedNodes, maxExpandedNodes } from '../../../src/model/ir/functions.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

/** A model that calls F0 once; `bodies[i]` are the statements of Fi, a to o. */
const calling = (bodies: readonly string[]) =>
  parseModel(
    [
      '<ir_version: 8, opset_import: ["" : 17, "my" : 1]>',
      'g (float[N,2] x) => (float[N,2] y) { z = Neg (x)  y = my.F0 (z) }',
      ...bodies.map(
        (body, i) => `<domain: "my", opset_import: ["" : 17, "my" : 1]> F${i} (a) => (o) { ${body} }`,
      ),
    ].join('\n'),
  );

/** Each function calls the next twice. */
const doubling = (levels: number) =>
  calling(
    Array.from({ length: levels }, (_, i) =>
      i === levels - 1 ? 'o = Relu (a)' : `b = my.F${i + 1} (a)  o = my.F${i + 1} (b)`,
    ),
  );

describe('functions of a model', () => {
  it('count as often as they are called', () => {
    expect(expandedNodes(doubling(4))).toBe(1 + 8);
  });

  it('are refused when they call themselves, directly or through others', () => {
    const recursive = [['o = my.F0 (a)'], ['o = my.F1 (a)', 'o = my.F0 (a)']];
    for (const bodies of recursive)
      expect(() => inferShapes(calling(bodies))).toThrow(
        expect.objectContaining({ code: 'FUNCTION_RECURSIVE' }),
      );
  });

  it('are refused when they call themselves in a branch or a body, which might never run', () => {
    const branch = (call: string) => `k = Constant <value_int = 1> ()
      c = Cast <to = 9> (k)
      o = If (c) <
        then_branch = t () => (float[N,2] u) { u = ${call} (a) },
        else_branch = e () => (float[N,2] v) { v = Relu (a) }
      >`;
    const body = (call: string) => `k = Constant <value_int = 2> ()
      c = Cast <to = 9> (k)
      o = Loop (k, c, a) <
        body = b (int64 i, bool on, float[N,2] s) => (bool still, float[N,2] t) {
          still = Identity (on)
          t = ${call} (s)
        }
      >`;
    for (const within of [branch, body])
      for (const bodies of [
        [within('my.F0')],
        [within('my.F1'), 'o = my.F0 (a)'],
        ['o = my.F1 (a)', within('my.F0')],
      ])
        expect(() => inferShapes(calling(bodies))).toThrow(
          expect.objectContaining({ code: 'FUNCTION_RECURSIVE' }),
        );
  });

  it('are refused when branches double them', () => {
    const doubled = Array.from({ length: 30 }, (_, i) =>
      i === 29
        ? 'o = Relu (a)'
        : `k = Constant <value_int = 1> ()
          c = Cast <to = 9> (k)
          o = If (c) <
            then_branch = t () => (float[N,2] u) { u = my.F${i + 1} (a) },
            else_branch = e () => (float[N,2] v) { v = my.F${i + 1} (a) }
          >`,
    );
    expect(() => inferShapes(calling(doubled))).toThrow(
      expect.objectContaining({ code: 'FUNCTIONS_TOO_LARGE' }),
    );
  });

  it('are refused when they come to more nodes than anything can hold', () => {
    for (const levels of [30, 100])
      expect(() => inferShapes(doubling(levels))).toThrow(
        expect.objectContaining({ code: 'FUNCTIONS_TOO_LARGE' }),
      );
  });

  it('are refused when calls are nested deeper than they can be followed', () => {
    const chain = Array.from({ length: 2000 }, (_, i) =>
      i === 1999 ? 'o = Relu (a)' : `o = my.F${i + 1} (a)`,
    );
    expect(() => inferShapes(calling(chain))).toThrow(
      expect.objectContaining({ code: 'FUNCTIONS_TOO_DEEP' }),
    );
  });

  it('are not blamed for the nodes of the graph around them', () => {
    const model = calling(['o = Relu (a)']);
    const { graph } = model;
    const [x] = graph.inputs;
    for (let i = 0; i < maxExpandedNodes; i++)
      addNode(graph, { opType: 'Neg', inputs: [x!], outputs: [null] });
    expect(expandedNodes(model)).toBe(maxExpandedNodes + 2);
  });

  it('that nobody calls stand in nobody’s way', () => {
    const model = calling(['o = Relu (a)', 'o = my.F1 (a)']);
    expect(inferShapes(model).missing).toEqual([]);
  });
});
