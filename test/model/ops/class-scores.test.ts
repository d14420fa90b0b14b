import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { scoreOutputs, scoresClasses } from '../../../src/model/ops/class-scores.ts';

const model = (signature: string, body: string) =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]> g ${signature} { ${body} }`);

describe('outputs that score classes', () => {
  it('are the only one of a model, and what a Softmax makes', () => {
    const one = model('(float["N",8] x) => (float["N",8,1] y)', 'y = Unsqueeze <axes = [2]> (x)');
    expect([...scoreOutputs(one)]).toEqual(['y']);
    const two = model(
      '(float[1,8] x, int64[2] shape) => (float[1,4] box, float[2,4] kind)',
      'box = Slice <starts = [0], ends = [4], axes = [1]> (x) p = Softmax (x) kind = Reshape (p, shape)',
    );
    expect([...scoreOutputs(two)]).toEqual(['kind']);
  });

  it('are not points and boxes side by side, unless one is called so', () => {
    const body = 'a = Relu (x) logits = Neg (x) b = Abs (x)';
    const mesh = model(
      '(float[1,8] x, float[1,9] z) => (float[1,8] mesh, float[1,8] flags)',
      'mesh = Relu (x) flags = Neg (x)',
    );
    expect(scoreOutputs(mesh).size).toBe(0);
    const named = model('(float[2,8] x) => (float[1,8] a, float[1,8] logits, float[1,8] b)', body);
    expect([...scoreOutputs(named)]).toEqual(['logits']);
  });

  it('are not states beside the answer', () => {
    const body = 'y = Relu (x) next = Neg (h)';
    const cell = model('(float[1,8] x, float["b",6] h) => (float[1,4] y, float["c",6] next)', body);
    expect([...scoreOutputs(cell)]).toEqual(['y']);
  });

  it('are not rows of a picture, nor anything of a model that suppresses boxes', () => {
    const rows = model('(float[1,3,8,8] x) => (float[1,84,100] y)', 'y = Relu (x)');
    expect(scoreOutputs(rows).size).toBe(0);
    const boxes = model(
      '(float[1,6,4] boxes, float[1,2,6] s) => (float[1,6] detection_scores)',
      'kept = NonMaxSuppression (boxes, s) detection_scores = Cast <to = 1> (kept)',
    );
    expect(scoreOutputs(boxes).size).toBe(0);
    expect(scoresClasses(boxes)).toBe(false);
  });
});
