/** The configuration of reduced builds. Expected lines were printed by onnxruntime 1.31.1's own
 *  tools/ort_format_model (create_config_from_models, types enabled) from the same .ort files. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { convertToOrt } from '../../../src/ship/emit/ort.ts';
import { requiredOperators } from '../../../src/ship/emit/required-operators.ts';

const shipped = (name: string) => convertToOrt(readFileSync(`fixtures/models/${name}.onnx`));

const glyphs = `ai.onnx;1;GlobalAveragePool
ai.onnx;11;Conv{"inputs": {"0": ["float"]}}
ai.onnx;13;Add{"inputs": {"0": ["float"]}},Flatten,Gemm{"inputs": {"0": ["float"]}},Relu{"inputs": {"0": ["float"]}}
com.microsoft;1;FusedConv
`;

const lstm = `ai.onnx;9;ConstantOfShape{"outputs": {"0": ["float"]}}
ai.onnx;13;Concat{"inputs": {"0": ["int64_t"]}},Gather{"inputs": {"0": ["float", "int64_t"], "1": ["int64_t"]}},\
Gemm{"inputs": {"0": ["float"]}},Shape,Transpose{"inputs": {"0": ["float"]}},Unsqueeze
ai.onnx;14;LSTM
`;

/** A branch, a sequence, half floats, and the one operator whose types decide together. */
const branches = `<ir_version: 8, opset_import: ["" : 17]>
g (bool c, int64[3] i, float[3] x) => (float[3, 4] hot, float[3] y)
< int64 depth = {4}, float[2] values = {0, 1} >
{
  hot = OneHot (i, depth, values)
  y = If (c) <
    then_branch = a () => (float[3] p) {
      h = Cast <to = 10> (x)
      q = Cast <to = 1> (h)
      p = Where (c, q, x)
    },
    else_branch = b () => (float[3] r) {
      s = SplitToSequence <axis = 0> (x)
      j = Cast <to = 6> (i)
      r = ConcatFromSequence <axis = 0> (s)
    }
  >
}`;

const ofBranches = `ai.onnx;11;ConcatFromSequence,OneHot{"custom": [["int64_t", "float", "int64_t"]]},\
SplitToSequence{"inputs": {"0": ["float"]}}
ai.onnx;13;Cast{"inputs": {"0": ["MLFloat16", "float", "int64_t"]}, \
"outputs": {"0": ["MLFloat16", "float", "int32_t"]}}
ai.onnx;16;If,Where{"inputs": {"1": ["float"]}}
`;

describe('requiredOperators', () => {
  it('lists fused operators and the types of those that builds can cut by type', async () => {
    expect(requiredOperators([await shipped('glyphs-cnn')])).toBe(glyphs);
    expect(requiredOperators([await shipped('sequence-lstm')])).toBe(lstm);
  });

  it('follows branches, sequences and several types at once', async () => {
    const ort = await convertToOrt(encodeModel(parseModel(branches)));
    expect(requiredOperators([ort])).toBe(ofBranches);
  });

  it('puts models of one app together, and names them', async () => {
    const models = [await shipped('glyphs-cnn'), await shipped('sequence-lstm')];
    const text = requiredOperators(models, ['a.ort', 'b.ort']);
    expect(text).toMatch(/^# Generated from model\/s:\n# - a\.ort\n# - b\.ort\nai\.onnx;1;/);
    expect(text).toContain('ai.onnx;13;Add{"inputs": {"0": ["float"]}},Concat{"inputs": {"0": ["int64_t"]}}');
  });

  it('leaves types out for a build that keeps all of them', async () => {
    expect(requiredOperators([await shipped('glyphs-cnn')], [], false)).toBe(
      glyphs.replace(/\{.*?\}\}/g, ''),
    );
  });

  it('names what it was given when that is no .ort file', () => {
    expect(() => requiredOperators([new Uint8Array(20)])).toThrowError(
      expect.objectContaining({ code: 'ORT_DAMAGED' }),
    );
  });
});
