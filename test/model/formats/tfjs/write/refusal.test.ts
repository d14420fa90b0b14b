/** What TensorFlow.js has no operator for is refused with names for --outputs, and the model cut there is written. */
import { expect, it } from 'vitest';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import { cloneModel } from '../../../../../src/model/ir/clone.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { chooseOutputs } from '../../../../../src/model/rewrite/choose-outputs.ts';
import { Diagnostic } from '../../../../../src/support/diagnostics.ts';

const head = '<ir_version: 10, opset_import: ["" : 20, "com.microsoft" : 1]>';

function refusal(model: Model): Diagnostic {
  try {
    writeGraphModel(model);
  } catch (error) {
    if (error instanceof Diagnostic) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

it.each([
  {
    name: 'what the node reads',
    graph: `g (float[2,3] x) => (float[2,3] y) { a = Abs(x) b = Exp(x) c = Add(a, b) d = Det2(c) y = Neg(d) }`,
    before: 'c',
  },
  {
    name: 'each value that it reads, once',
    graph: `g (float[2,3] x) => (float[2,3] y) { a = Abs(x) b = Exp(x) y = Unknown(a, b, a, x) }`,
    before: 'a,b',
  },
  {
    name: 'what the Transpose is made of that it reads, which only the written model has',
    graph: `g (float[1,2,4,4,4] x, float[2,3,2,2,2] w) => (float[1,3,5,5,5] y) { a = Abs(x) y = ConvTranspose(a, w) }`,
    before: 'a',
  },
  {
    name: 'what a branch reads of the graph around it',
    graph: `g (bool c, float[2,3] x) => (float[2,3] y) { a = Abs(x) d = Not(c) y = If (d) <
      then_branch = t () => (float[2,3] p) { q = Unknown(a) p = Neg(q) },
      else_branch = f () => (float[2,3] p) { p = Neg(x) }> }`,
    before: 'd,a',
  },
])('names $name', ({ graph, before }) => {
  const model = parseModel(`${head} ${graph}`);
  const { code, hint } = refusal(model);
  expect(code).toBe('TFJS_OPERATOR');
  expect(hint).toMatch(new RegExp(`--outputs ${before}$`));
  const rest = cloneModel(model);
  chooseOutputs(rest, before.split(','));
  expect(writeGraphModel(rest).length).toBeGreaterThan(0);
});

it('names nothing where the node reads inputs and constants alone', () => {
  const model = parseModel(`${head} g (float[2,3] x) => (float[2,3] y) { a = Unknown(x) y = Neg(a) }`);
  expect(refusal(model).hint).not.toContain('--outputs');
});
