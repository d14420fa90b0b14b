import { describe, expect, it } from 'vitest';
import { findProblems, modelFacts } from '../../../src/judge/analyze/facts.ts';
import { modelFactsSchema } from '../../../src/judge/report/report.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { constantsOf } from '../../../src/model/ir/walk.ts';

const model = parseModel(`
<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1], producer_name: "pytorch", producer_version: "2.1">
g (float[N,?,4] x, float[] r, bool c, float[2] default = {1, 2}) => (float[N,3] y) <
  float[4,3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
  int8[5] q = {1, 2, 3, 4, 5},
  int4[3] packed = {1, 2, 3},
  int64[2] shape = {-1, 3},
  float[2] unused = {0, 0},
  float[4] mask = {0, -inf, nan, inf},
  float16[2] half = {31744, 32257},
  bfloat16[3] brain = {32640, 65409, 16256}
> {
  k = Constant <value = float[3] {1, 1, nan}> ()
  h = MatMul(x, w)
  a = Add(h, k)
  s = If(c) <
    then_branch = t () => (b) <float[1] inner = {2}> {
      b = Add(a, inner)
    },
    else_branch = e () => (d) {
      d = com.microsoft.Gelu(a)
    }
  >
  u = com.microsoft.extensions.Decode(s, mask, half, brain)
  v = local.mine(u, q, packed)
  y = Reshape(v, shape)
}
<domain: "local", opset_import: ["" : 17]> mine (a, b, c) => (z) { z = Sum(a, b, c) }
`);

const extra = { file: 'm.onnx', sha256: 'ab', sizeBytes: 1, gzipBytes: null, brotliBytes: null, macs: null };

describe('modelFacts', () => {
  const facts = modelFacts(model, extra);

  it('fits the schema of the report', () => {
    expect(modelFactsSchema.parse(facts)).toEqual(facts);
  });

  it('counts elements of weights in initializers, Constant nodes and subgraphs, but not shapes', () => {
    // default 2, w 12, q 5, packed 3, unused 2, mask 4, half 2, brain 3, Constant 3, inner 1
    expect(facts.parameters).toBe(37);
  });

  it('adds up bytes by element type, packed types as stored', () => {
    expect(facts.weightBytes).toEqual({
      float32: 4 * (2 + 12 + 2 + 4 + 3 + 1),
      int8: 5,
      int4: 2,
      int64: 16,
      float16: 4,
      bfloat16: 6,
    });
  });

  it('counts nodes of subgraphs too, the most frequent op first', () => {
    expect(facts.nodes).toBe(9);
    expect(Object.entries(facts.ops)[0]).toEqual(['Add', 2]);
    expect(facts.ops['com.microsoft:Gelu']).toBe(1);
  });

  it('writes ports as text and leaves out inputs that have a default', () => {
    expect(facts.inputs).toEqual([
      { name: 'x', type: 'float32 [N,?,4]' },
      { name: 'r', type: 'float32 [?]' },
      { name: 'c', type: 'bool []' },
    ]);
    expect(facts.outputs).toEqual([{ name: 'y', type: 'float32 [N,3]' }]);
    expect([facts.opset, facts.producer]).toEqual([17, 'pytorch 2.1']);
  });
});

describe('findProblems', () => {
  const problems = findProblems(model);

  it('counts NaN and infinities in float constants of every width, attributes included', () => {
    expect(problems.nonFinite).toEqual([
      { name: 'mask', nan: 1, infinite: 2, elements: 4 },
      { name: 'half', nan: 1, infinite: 1, elements: 2 },
      { name: 'brain', nan: 1, infinite: 1, elements: 3 },
      { name: 'k', nan: 1, infinite: 0, elements: 3 },
    ]);
  });

  it('lists initializers that nothing reads, defaults of inputs included', () => {
    expect(problems.unusedInitializers).toEqual(['default', 'unused']);
  });

  it('knows the ops of onnxruntime and of the functions of the model from unknown ones', () => {
    expect(problems.unknownOps).toEqual({ 'com.microsoft.extensions:Decode': 1 });
  });

  it('finds control flow and free dimensions', () => {
    expect(problems.controlFlow).toEqual({ If: 1 });
    expect(problems.dynamicDims).toEqual([
      { input: 'x', axis: 0, symbol: 'N' },
      { input: 'x', axis: 1, symbol: null },
      { input: 'r', axis: null, symbol: null },
    ]);
  });

  it('finds nothing in a plain model', () => {
    const plain = parseModel('g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) }');
    expect(findProblems(plain)).toEqual({
      refused: null,
      nonFinite: [],
      unusedInitializers: [],
      unknownOps: {},
      controlFlow: {},
      dynamicDims: [],
    });
    expect(constantsOf(plain).map((c) => c.name)).toEqual(['w']);
  });
});
