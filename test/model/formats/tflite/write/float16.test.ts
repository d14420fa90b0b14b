/** Half floats: weights keep their bytes behind a DEQUANTIZE, and LiteRT computes in float32 what onnxruntime computes in float16. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../../../src/compress/compress.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { hasLitert, litertTitle, runTflite } from '../../../../litert.ts';
import { runModel, seededFeeds } from '../../../../run-model.ts';
import { errorOf } from './run-written.ts';
import { readTables } from './tables.ts';

const engine = await openEngine('node');
const source = readModelFile('fixtures/models/digits-cnn.onnx');

describe('digits-cnn in half floats', () => {
  let bytes: Uint8Array;
  beforeAll(async () => {
    bytes = writeTflite((await compressModel(source, { recipe: preset('float16'), engine })).model);
  });

  it('has them where weights are large, and is about half as large', () => {
    const { operators, inputs, outputs } = readTables(bytes);
    const stored = operators.filter(({ op }) => op === 'DEQUANTIZE');
    expect(stored.length).toBeGreaterThanOrEqual(3);
    for (const { inputs, version } of stored) expect([inputs[0]!.type, version]).toEqual(['float16', 3]);
    expect([...inputs, ...outputs].map(({ type }) => type)).toEqual(['float32', 'float32']);
    expect(bytes.length / writeTflite(source).length).toBeLessThan(0.6);
  });

  it.skipIf(!hasLitert)(`is within half precision of the original ${litertTitle}`, async () => {
    const feeds = seededFeeds(source, 1, { dims: { N: 1, batch: 1 } });
    expect(errorOf(await runModel(engine, source, feeds), runTflite(bytes, feeds))).toBeLessThan(2e-3);
  });
});
