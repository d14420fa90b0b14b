import { expect, it } from 'vitest';
import { positionLimit } from '../../../src/data/text/position-limit.ts';
import { gpt2, gpt2Tiny } from '../../../src/model/build/networks/gpt2.ts';
import { t5, t5Tiny } from '../../../src/model/build/networks/t5.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/parse-model.ts';

const model = (body: string) => parseModel(`<ir_version: 8, opset_import: ["" : 17]>\n${body}`);

it('is the length of the table of learned positions', () => {
  expect(positionLimit(gpt2({ ...gpt2Tiny, cache: true }))).toBe(64);
  expect(positionLimit(gpt2({ ...gpt2Tiny, cache: false }))).toBe(64);
});

it('is none where positions are relative: buckets of distances are no positions', () => {
  expect(positionLimit(t5(t5Tiny))).toBeNull();
});

it('is found where a table is cut to the length of the text, and in the shortest of several', () => {
  const sliced = model(`g (int64[b, s] ids) => (float[s, 2] y)
    <float[9, 2] cos = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}, float[1, 1, 7] mask = {1,1,1,1,1,1,1},
     int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}> {
    shape = Shape(ids)
    length = Gather(shape, one)
    y = Slice(cos, zero, length, zero)
    z = Slice(mask, zero, length, two)
  }`);
  expect(positionLimit(sliced)).toBe(7);
});

it('is found by an input of positions, and in a table of integers', () => {
  const quantized = model(`g (int64[b, s] input_ids, int64[b, s] position_ids) => (float[b, s, 2] y)
    <int8[5, 2] table = {1,1,1,1,1,1,1,1,1,1}, float scale = {0.5}> {
    wide = DequantizeLinear(table, scale)
    y = Gather(wide, position_ids)
  }`);
  expect(positionLimit(quantized)).toBe(5);
});

it('is not the size of the vocabulary', () => {
  const embedded = model(`g (int64[b, s] ids) => (float[b, s, 2] y)
    <float[3, 2] words = {1,1,1,1,1,1}> { y = Gather(words, ids) }`);
  expect(positionLimit(embedded)).toBeNull();
});
