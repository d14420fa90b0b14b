/** Where computing in int8 loses too much, weights are stored in int8 instead. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildKernel } from '../../src/compute/engine/kernel.ts';
import { compress } from '../../src/jobs/compress.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { elementCount, tensorOf } from '../../src/model/ir/tensor.ts';
import { createRandom } from '../../src/support/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-choose-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const width = 64;

function normal(dims: readonly number[], seed: number, scale = 1) {
  const random = createRandom(seed);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => scale * random.normal()),
  );
}

/** Two products; between them one feature is 3 000 times as large as the others, and nothing reads it. */
const outlier = buildKernel((b) => {
  const x = b.input('x', 'float32', ['n', 16, width]);
  const factors = Float32Array.from({ length: width }, (_, i) => (i === 0 ? 3000 : 1));
  const scaled = b.op('Mul', [
    b.op('MatMul', [x, b.constant(normal([width, width], 1, 1 / 8), 'first')]),
    b.constant(tensorOf('float32', [width], factors), 'factors'),
  ]);
  const second = normal([width, width], 2, 1 / 8);
  const values = new Float32Array(second.bytes().slice().buffer).fill(0, 0, width);
  const last = b.constant(tensorOf('float32', [width, width], values), 'second');
  b.output('y', b.op('MatMul', [scaled, last]), 'float32', ['n', 16, width]);
}, 17);

const data = join(folder, 'x.npy');
writeFileSync(data, encodeNpy(normal([60, 16, width], 3)));

const run = async (options: object) =>
  (await compress(outlier, { data, calibrate: 20, measure: false, cache: false, ...options })).report;

describe('a model that calibrated int8 destroys', () => {
  it('has its weights stored in int8, and the report says what was tried', async () => {
    const report = await run({ int8: true });
    expect(report.precision).toMatchObject({
      mode: 'weight-only',
      instead: { mode: 'static', samples: 20 },
    });
    expect(report.recipe).toMatchObject({ name: 'int8-weights' });
    expect(report.verdict.level).not.toBe('bad');
  });

  it('computes in int8 where it was told to, in red', async () => {
    const report = await run({ int8: 'static' });
    expect(report.precision.mode).toBe('static');
    expect(report.precision.instead).toBeUndefined();
    expect(report.verdict.level).toBe('bad');
  });
});
