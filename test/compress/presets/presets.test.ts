import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, type PresetName, preset } from '../../../src/compress/compress.ts';
import { decisionOf } from '../../../src/compress/quant/layers.ts';
import type { Statistics } from '../../../src/compute/calibrate/statistics.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { nodesOf } from '../../../src/model/ir/walk.ts';

const folder = fileURLToPath(new URL('../../../fixtures/models/', import.meta.url));
const files = readdirSync(folder).filter((f) => f.endsWith('.onnx'));
const read = (file: string) => decodeModel(readFileSync(folder + file));
const presets = ['int8-static', 'int8-dynamic', 'int8-weights'] as const;
const statistics: Statistics = { samples: 1, range: () => ({ min: -4, max: 4 }) };

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

/** Runs a preset natively, with options given to each of its lossy passes, as the command's flags are. */
function compress(source: Model, name: PresetName, options: object = {}) {
  const base = preset(name);
  const stages = base.stages.map((stage) => ({
    ...stage,
    passes: stage.passes.map((step) =>
      step.pass.startsWith('quantize-') ? { ...step, options: { ...step.options, ...options } } : step,
    ),
  }));
  const recipe = { ...base, target: 'node' as const, stages };
  return compressModel(source, { recipe, engine, calibrate: async () => statistics });
}

const opTypes = (model: Model) => [...nodesOf(model)].map((n) => n.opType);

describe.each(presets)('%s', (name) => {
  it.each(files)('leaves %s alone when it has been through it before', async (file) => {
    const once = encodeModel((await compress(read(file), name)).model);
    const { model, journal } = await compress(decodeModel(once), name);
    const changed = journal.stages
      .flatMap((s) => s.passes)
      .filter((p) => p.effect === 'lossy' && p.changed > 0);
    expect(changed).toEqual([]);
    expect(encodeModel(model).length).toBe(once.length);
  });

  it('leaves the model that it is given as it was', async () => {
    const source = read('glyphs-cnn.onnx');
    const before = encodeModel(source);
    await compress(source, name);
    expect(encodeModel(source)).toEqual(before);
  });

  it('takes one pattern for all of its passes, though the first may rewrite what it names', async () => {
    const chosen = await compress(read('glyphs-mlp.onnx'), name, { include: ['/hidden1/Gemm'] });
    const precisions = [...nodesOf(chosen.model)].flatMap((n) => decisionOf(n)?.precision ?? []);
    expect(precisions.filter((p) => p !== 'float')).toHaveLength(1);
    expect(opTypes(chosen.model).filter((op) => op === 'Gemm').length).toBeGreaterThanOrEqual(2);
  });

  it('refuses a pattern that names nothing', async () => {
    await expect(
      compress(read('glyphs-mlp.onnx'), name, { exclude: ['/hidden9/Gemm'] }),
    ).rejects.toMatchObject({
      code: 'PATTERN_MATCHES_NOTHING',
      hint: expect.stringContaining('/hidden'),
    });
  });

  it('keeps what is excluded in float', async () => {
    const { model } = await compress(read('glyphs-mlp.onnx'), name, { exclude: ['Gemm'] });
    expect(opTypes(model)).toEqual(['Gemm', 'Relu', 'Gemm', 'Relu', 'Gemm']);
  });
});

describe('int8-static', () => {
  it('may be told to exclude an op that its first pass absorbs', async () => {
    const { model } = await compress(read('glyphs-mlp.onnx'), 'int8-static', { exclude: ['Relu'] });
    expect([...nodesOf(model)].filter((n) => decisionOf(n)?.precision === 'int8')).toHaveLength(3);
  });

  it('names every product that stays float, with a reason', async () => {
    const source = read('glyphs-cnn.onnx');
    const recipe = preset('int8-static');
    const { model, journal } = await compressModel(source, {
      recipe,
      engine,
      calibrate: async () => statistics,
    });
    for (const node of nodesOf(model)) {
      if (!['Conv', 'Gemm', 'MatMul'].includes(node.opType)) continue;
      const decision = decisionOf(node);
      expect(decision, node.name).toBeDefined();
      if (decision!.precision === 'int8') continue;
      expect(decision!.reason, node.name).not.toBeNull();
      expect(journal.skips.map((s) => s.at)).toContain(node.name);
    }
  });
});
