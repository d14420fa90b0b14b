import { describe, expect, it } from 'vitest';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { sourceInPlace } from '../../../src/model/formats/onnx/in-place.ts';
import { encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { float32Values, lazyTensor, scalar, tensorOf } from '../../../src/model/ir/tensor.ts';

const width = 32;
const memory = Float32Array.from({ length: 2 * width * width + 1 }, (_, i) => Math.sin(i));

/** Two weights in one piece of memory, one computed when asked for, and a small one. */
const model = () =>
  buildKernel((b) => {
    const part = (from: number) =>
      b.constant(tensorOf('float32', [width, width], memory.subarray(from, from + width * width)));
    const computed = () => new Uint8Array(memory.buffer.slice(0, 4 * width * width));
    const lazy = b.constant(lazyTensor('float32', [width, width], computed));
    const x = b.input('x', 'float32', [1, width]);
    const y = [part(1), part(width * width + 1), lazy].reduce((v, w) => b.op('MatMul', [v, w]), x);
    b.output('y', b.op('Mul', [y, b.constant(scalar('float32', 0.5))]), 'float32');
  });

describe('a model whose weights stay where they lie', () => {
  it('names the memory of weights, once for all that lie in it', () => {
    const { bytes, externalData } = sourceInPlace(model());
    expect([...externalData!.values()].map((view) => view.buffer === memory.buffer)).toEqual([true]);
    expect(bytes.length).toBeLessThan(encodeModel(model()).length - memory.byteLength / 2);
  });

  it.each(['node', 'wasm'] as const)('computes the same on %s as when it is one piece', async (name) => {
    const engine = await openEngine(name);
    const outputs = async (source: Parameters<typeof engine.open>[0]) => {
      const session = await engine.open(source);
      const { y } = await session.run({ x: tensorOf('float32', [1, width], memory.subarray(0, width)) });
      await session.close();
      return [...float32Values(y!)];
    };
    expect(await outputs(sourceInPlace(model()))).toEqual(await outputs({ bytes: encodeModel(model()) }));
  });

  it('keeps weights of branches in the graph, which onnxruntime looks for on disk alone', async () => {
    const text = `<ir_version: 8, opset_import: ["" : 17]>
g (bool yes, float[1,32] x) => (float[1,32] y) {
  y = If (yes) <then_branch = t () => (float[1,32] a) <float[32,32] w = {${memory.slice(0, 1024).join(', ')}}> { a = MatMul (x, w) },
                else_branch = e () => (float[1,32] b) { b = Identity (x) }>
}`;
    const branching = parseModel(text);
    const source = sourceInPlace(branching);
    expect(source.externalData).toBeUndefined();
    const session = await (await openEngine('node')).open(source);
    const feeds = {
      yes: tensorOf('bool', [], [1]),
      x: tensorOf('float32', [1, width], memory.subarray(0, width)),
    };
    expect(Object.keys(await session.run(feeds))).toEqual(['y']);
    await session.close();
  });

  it('has no files beside it where all weights are small', () => {
    const small = buildKernel((b) => {
      const x = b.input('x', 'float32', [1]);
      b.output('y', b.op('Mul', [x, b.constant(scalar('float32', 2))]), 'float32');
    });
    expect(sourceInPlace(small).externalData).toBeUndefined();
  });
});
