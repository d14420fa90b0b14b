/** An input that an operator needs and that its node leaves out, as damaged files have, is named by both writers. */
import { expect, it } from 'vitest';
import { parseModel } from '../../../../src/model/formats/onnx-text/parse-model.ts';
import { tfjsFormat } from '../../../../src/model/formats/tfjs/format.ts';
import { writeTflite } from '../../../../src/model/formats/tflite/write/write.ts';

it.each(['Gather', 'GatherElements', 'GatherND'])('the indices of %s', (op) => {
  const model = () =>
    parseModel(
      `<ir_version: 8, opset_import: ["" : 17]> g (float[2,3] x) => (float[2,3] y) { y = ${op} (x, ) }`,
      op,
    );
  expect(() => writeTflite(model())).toThrow(expect.objectContaining({ code: 'TFLITE_OPERATOR' }));
  expect(() => tfjsFormat.write!(model(), { name: 'model.json' })).toThrow(
    expect.objectContaining({ code: 'TFJS_OPERATOR' }),
  );
});
