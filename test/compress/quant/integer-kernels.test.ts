import { describe, expect, it } from 'vitest';
import { measuredKernels, targetFacts } from '../../../src/compress/quant/integer-kernels.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

/** What wasm's advice is on a 1×1 Conv of `channels` inputs, with `rest` behind it; measured: by what was found. */
function advice(channels: number, rest: string, faster: Record<string, boolean> = {}): string | null {
  const zeros = new Array(channels).fill(0).join(', ');
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,${channels},8,8] x) => (float[1,1,8,8] y)
< float[1,${channels},1,1] W = {${zeros}} >
{
c = Conv (x, W)
${rest}
}`);
  inferShapes(model);
  return measuredKernels(targetFacts.wasm.kernels, faster, 'wasm').advice(model.graph.nodes[0]!);
}

describe('int8 convolutions on wasm', () => {
  it('pay from 48 products an output', () => {
    expect(advice(47, 'y = Neg (c)')).toContain('slower-on-wasm: few products an output (fewer than 48)');
    expect(advice(48, 'y = Neg (c)')).toBeNull();
  });

  it.each(['y = Relu (c)', 'z = Relu (c)\n y = Neg (z)'])(
    'pay from 100 where half of the outputs are cut off: %s',
    (rest) => {
      expect(advice(99, rest)).toContain('slower-on-wasm: few products an output (fewer than 100)');
      expect(advice(100, rest)).toBeNull();
    },
  );

  it('pay from 48 where the Relu is not all that reads them', () => {
    expect(advice(48, 'r = Relu (c)\n y = Add (r, c)')).toBeNull();
  });
});

describe('what was measured', () => {
  it('comes before the table, kind by kind', () => {
    const relu = 'y = Relu (c)';
    expect(advice(20, relu, { 'Conv 16-31 clamped': true })).toBeNull();
    expect(advice(20, relu, { 'Conv 16-31': true })).not.toBeNull();
    expect(advice(200, relu, { 'Conv 128+ clamped': false })).toBe('slower-on-wasm: measured for this model');
    expect(advice(200, relu, { 'Conv 128+': false })).toBeNull();
  });
});

describe('int8 products on LiteRT', () => {
  const product = (shape: string) => {
    const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[${shape}] x) => (float[?] y)
< float[2,2] W = {1, 2, 3, 4} >
{ y = MatMul (x, W) }`);
    inferShapes(model);
    const { kernels, dynamic } = targetFacts.litert;
    return [kernels.advice(model.graph.nodes[0]!), dynamic(model.graph.nodes[0]!)];
  };

  it('are calibrated for one row a sample', () => {
    expect(product('1,2')).toEqual([null, null]);
  });

  it.each(['1,8,2', '8,2'])('find their ranges while running for rows of tokens: [%s]', (shape) => {
    expect(product(shape)).toEqual([expect.stringContaining('dynamic-on-litert'), null]);
  });

  it('are calibrated for an open batch of one row a sample', () => {
    expect(product('batch,2')).toEqual([null, null]);
  });
});
