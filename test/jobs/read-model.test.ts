/** A model taken in another layout, or cut, by whichever command reads it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNodeEngine } from '../../src/compute/engine/onnxruntime-node.ts';
import { withPictureLayout } from '../../src/data/picture-layout.ts';
import { compress } from '../../src/jobs/compress.ts';
import { convert } from '../../src/jobs/convert.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { readModel } from '../../src/jobs/read-model.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { preprocessingOf, setPreprocessing } from '../../src/model/ir/card.ts';
import { type Model, shapeOf } from '../../src/model/ir/model.ts';
import { transposeTensor } from '../../src/model/ir/transpose.ts';
import { largestDifference, runModel, seededFeeds } from '../run-model.ts';

const engine = await openNodeEngine();
const cnn = fileURLToPath(new URL('../../fixtures/models/glyphs-cnn.onnx', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'edgepress-layout-'));
const photos = join(folder, 'photos');
afterAll(() => rmSync(folder, { recursive: true }));

const inputOf = (model: Model) => shapeOf(model.graph.inputs[0]!);

describe('withPictureLayout', () => {
  const maps = () =>
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[N,8,6,3] x, float[1,3] scale) => (float[N,3,4,3] map, float[N,3] scores, float[N,24,1,6] boxes) <float[3,3,3,3] w = {${Array.from({ length: 81 }, (_, i) => i % 7)}}, int64[4] s = {0, 24, 1, 6}> {
  t = Transpose <perm = [0, 3, 1, 2]> (x)
  c = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (t, w)
  map = Transpose <perm = [0, 2, 3, 1]> (c)
  pooled = ReduceMean <axes = [2, 3], keepdims = 0> (c)
  scores = Mul (pooled, scale)
  boxes = Reshape (x, s)
}`);
  it('turns pictures and maps of them, and leaves scores, boxes and other inputs as they are', async () => {
    const model = maps();
    // Height and width of the map, 4 × 3, are half of 8 × 6.
    model.graph.outputs[0]!.type = null;
    const turned = withPictureLayout(model, 'nchw');
    expect(turned.graph.inputs.map(shapeOf)).toEqual([
      ['N', 3, 8, 6],
      [1, 3],
    ]);
    expect(turned.graph.outputs.map((v) => v.name)).toEqual(['map', 'scores', 'boxes']);
    const feeds = { ...seededFeeds(maps(), 3) };
    const expected = await runModel(engine, maps(), feeds);
    const found = await runModel(engine, turned, { ...feeds, x: transposeTensor(feeds['x']!, [0, 3, 1, 2]) });
    const map = transposeTensor(expected['map']!, [0, 3, 1, 2]);
    expect(largestDifference(map, found['map']!).difference).toBe(0);
    for (const name of ['scores', 'boxes'])
      expect(largestDifference(expected[name]!, found[name]!).difference).toBe(0);
  });
  it('takes the preparation of pictures along', () => {
    const model = maps();
    setPreprocessing(model, { layout: 'NHWC', scale: 1 });
    expect(preprocessingOf(withPictureLayout(model, 'nchw'))).toEqual({ layout: 'NCHW', scale: 1 });
    expect(preprocessingOf(model)).toEqual({ layout: 'NHWC', scale: 1 });
  });
  it('gives back the same model where nothing is to turn, and refuses what takes no pictures', () => {
    const model = maps();
    expect(withPictureLayout(model, 'nhwc')).toBe(model);
    const vectors = parseModel(
      '<ir_version: 8, opset_import: ["" : 17]> g (float[1,10] x) => (float[1,10] y) { y = Relu (x) }',
    );
    expect(() => withPictureLayout(vectors, 'nchw')).toThrow(
      expect.objectContaining({ code: 'LAYOUT_UNCLEAR' }),
    );
  });
});

describe('a command that is asked for a layout', () => {
  beforeAll(async () => {
    const { mkdirSync } = await import('node:fs');
    mkdirSync(photos);
    for (let i = 0; i < 12; i++) {
      const pixels = Uint8Array.from(
        { length: 3 * 40 * 40 },
        (_, k) => (k * (i + 3) + ((k / 40) | 0) * 17 * i) % 256,
      );
      await sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } })
        .png()
        .toFile(join(photos, `${i}.png`));
    }
  });
  const asked = { int8: 'static', data: photos, preprocess: '0-1', measure: false, cache: false } as const;

  it('compresses with pictures in that layout to what it is in the other, there and back', async () => {
    const output = join(folder, 'web', 'model.json');
    await convert(cnn, { output, layout: 'nhwc' });
    expect(inputOf(openModel(output).model)?.at(-1)).toBe(3);
    const [asIs, back] = [await compress(cnn, asked), await compress(output, { ...asked, layout: 'nchw' })];
    const nhwc = await compress(output, asked);
    expect(inputOf(back.model)).toEqual(inputOf(asIs.model));
    const feeds = seededFeeds(asIs.model, 5);
    const [input] = Object.keys(feeds);
    const theirs = Object.keys(seededFeeds(nhwc.model, 5))[0]!;
    const channelsLast = { [theirs]: transposeTensor(feeds[input!]!, [0, 2, 3, 1]) };
    const one = Object.values(await runModel(engine, back.model, { [theirs]: feeds[input!]! }))[0]!;
    const other = Object.values(await runModel(engine, nhwc.model, channelsLast))[0]!;
    // The same integers, in another order: the same pictures were seen, and the same ranges found.
    expect(largestDifference(one, other).difference).toBe(0);
    const qdq = (model: Model) => model.graph.nodes.filter((n) => n.opType === 'QuantizeLinear').length;
    expect(qdq(back.model)).toBe(qdq(nhwc.model));
    expect(back.report.compare?.samples).toBe(nhwc.report.compare?.samples);
  });

  it('leaves the file, and says of the model what it was asked for', async () => {
    const before = readFileSync(cnn);
    const opened = await readModel(cnn, { layout: 'nhwc' });
    expect(opened.sizeBytes).toBe(before.length);
    expect('bytes' in opened.engineSource('path')).toBe(true);
    const { report } = await inspect(cnn, {
      layout: 'nhwc',
      outputs: [openModel(cnn).model.graph.nodes[0]!.outputs[0]!.name],
    });
    expect(report.inputs[0]!.type).toMatch(/,3\]$/);
    expect(report.nodes).toBeLessThan(openModel(cnn).model.graph.nodes.length);
    expect(readFileSync(cnn)).toEqual(before);
  });
});
