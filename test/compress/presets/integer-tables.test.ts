/** Index tables that every exporter writes in 64 bits are small in what is compressed, and TensorFlow.js and LiteRT get them plain. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { linear, networkBuilder } from '../../../src/model/build/index.ts';
import { writeModelFile } from '../../../src/model/formats/file.ts';
import { openModelBytes } from '../../../src/model/formats/opened.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { constantsOf } from '../../../src/model/ir/walk.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

/** Picks 2 000 of 16·16 places of a picture, as a window of attention does. */
function source() {
  const b = networkBuilder({ name: 'windows' });
  const x = b.input('x', 'float32', [1, 256, 64]);
  const at = b.constant(
    'at',
    tensorOf(
      'int64',
      [2000],
      Array.from({ length: 2000 }, (_, i) => (i * 37) % 256),
    ),
  );
  b.output('y', b.op('Gather', [linear(b, 'project', x, { inputs: 64, outputs: 64 }), at], { axis: 1 }));
  return b.build();
}

it.each(['int8-weights', 'float16', 'q4'] as const)('%s', async (recipe) => {
  const { model } = await compressModel(source(), { recipe: preset(recipe), engine });
  const tables = constantsOf(model).filter(({ tensor }) => tensor.dims[0] === 2000);
  expect(tables.map(({ tensor }) => tensor.dtype)).toEqual(['uint8']);
  const feeds = seededFeeds(source(), 3);
  const [before, after] = [await runModel(engine, source(), feeds), await runModel(engine, model, feeds)];
  const { difference, magnitude } = largestDifference(before['y']!, after['y']!);
  expect(difference).toBeLessThan(0.2 * magnitude);
});

it('is a plain table again in a .tflite file', async () => {
  const { model } = await compressModel(source(), { recipe: preset('int8-weights'), engine });
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-'));
  try {
    const [file] = writeModelFile(model, path.join(folder, 'm.tflite'));
    const back = openModelBytes(new Uint8Array(readFileSync(file!))).model;
    expect(back.graph.nodes.map((n) => n.opType)).not.toContain('Cast');
    const feeds = seededFeeds(source(), 3);
    const [a, b] = [await runModel(engine, model, feeds), await runModel(engine, back, feeds)];
    const { difference, magnitude } = largestDifference(Object.values(a)[0]!, Object.values(b)[0]!);
    expect(difference).toBeLessThan(0.02 * magnitude);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
