/** GridSample, which is written as gathered pixels: what LiteRT computes, against onnxruntime. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { hasLitert, litertTitle, runTfliteAll } from '../../../../litert.ts';
import { normalTensor, runModel } from '../../../../run-model.ts';
import { caseOf, errorOf } from './run-written.ts';

const model = (mode: string, padding: string, corners: number) =>
  parseModel(`<ir_version: 8, opset_import: ["" : 16]>
g (float[2,3,5,4] x, float[2,6,7,2] grid) => (float[2,3,6,7] y)
{ y = GridSample <mode = "${mode}", padding_mode = "${padding}", align_corners = ${corners}> (x, grid) }`);

// Points beyond the edges too.
const feeds = { x: normalTensor([2, 3, 5, 4], 1), grid: normalTensor([2, 6, 7, 2], 2) };

const rows = ['bilinear', 'nearest'].flatMap((mode) =>
  ['zeros', 'border'].flatMap((padding) => [0, 1].map((corners) => [mode, padding, corners] as const)),
);

describe.skipIf(!hasLitert)(`GridSample ${litertTitle}`, () => {
  it.each(rows)('%s, %s, align_corners %d', async (...row) => {
    const [answer] = runTfliteAll([caseOf(model(...row), feeds)]);
    const expected = await runModel(await openEngine('node'), model(...row), feeds);
    expect(errorOf(expected, answer!, 1)).toBeLessThanOrEqual(1e-5);
  });
});

it.each([
  ['bicubic', 'zeros'],
  ['bilinear', 'reflection'],
])('%s with %s is refused', (mode, padding) => {
  expect(() => writeTflite(model(mode, padding, 0))).toThrow(
    expect.objectContaining({ code: 'TFLITE_OPERATOR' }),
  );
});
