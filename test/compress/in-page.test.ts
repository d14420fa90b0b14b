import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PageOptions } from '../../src/compress/in-page.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { compress } from '../../src/jobs/compress.ts';
import { decodeModel } from '../../src/model/formats/onnx/read.ts';
import { printModel } from '../../src/model/formats/onnx-text/index.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { createRandom } from '../../src/support/random.ts';
import { compress as compressInPage } from '../../src/web.ts';

const file = new URL('../../fixtures/models/glyphs-cnn.onnx', import.meta.url);
const bytes = new Uint8Array(readFileSync(file));

/** Without the mark that a file of ours carries. */
const textOf = (model: Model) => {
  model.metadata.delete('edgepress');
  return printModel(model, { maxElements: 1e6 });
};

describe('compress in a page', () => {
  it('makes the model that Node makes, without files', async () => {
    const there = await compress(bytes, { int8: true, measure: false });
    const here = await compressInPage(bytes, { int8: true, engine: await openEngine() });
    expect(textOf(decodeModel(here.bytes))).toBe(textOf(decodeModel(there.files[0]!.bytes)));
    expect(here.bytes.length).toBeLessThan(bytes.length / 3);
  });

  it('finds ranges on samples that are given', async () => {
    const random = createRandom(1);
    const image = () =>
      tensorOf(
        'float32',
        [1, 3, 32, 32],
        Float32Array.from({ length: 3072 }, () => random.next()),
      );
    const data = Array.from({ length: 4 }, () => ({ image: image() }));
    const { model } = await compressInPage(bytes, { int8: true, data, engine: await openEngine('wasm') });
    expect(model.graph.nodes.some((n) => n.opType === 'QuantizeLinear')).toBe(true);
  });

  it.each([
    [{ output: 'x.onnx' } as PageOptions, 'UNKNOWN_OPTION'],
    [{ int8: 'static' }, 'CALIBRATION_REQUIRED'],
    [{ prune: 50 }, 'NOT_IN_PAGE'],
  ] satisfies [PageOptions, string][])('%j is refused with %s', async (options, code) => {
    const engine = await openEngine();
    await expect(compressInPage(bytes, { ...options, engine })).rejects.toMatchObject({ code });
  });
});
