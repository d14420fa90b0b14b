/** What isn't written says why, and where the model can be cut. */
import { expect, it } from 'vitest';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';

it('names what goes into a NonMaxSuppression, whose results have no size beforehand', () => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,6,4] x, float[1,2,6] s) => (int64[?,3] y)
< int64 most = {3}, float overlap = {0.5}, float least = {0.1} >
{ boxes = Abs (x) scores = Sigmoid (s) y = NonMaxSuppression (boxes, scores, most, overlap, least) }`);
  expect(() => writeTflite(model)).toThrow(
    expect.objectContaining({
      code: 'TFLITE_OPERATOR',
      message: expect.stringContaining('known only while it runs'),
      hint: expect.stringContaining('--outputs boxes,scores'),
    }),
  );
});
