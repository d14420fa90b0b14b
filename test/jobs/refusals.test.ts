/** Where nothing can be made smaller, every weight has its reason, in the words of what was asked for. */
import { describe, expect, it } from 'vitest';
import { compressModel, type PresetName, preset } from '../../src/compress/compress.ts';
import { parseRecipe, type Recipe } from '../../src/compress/pipeline/recipe.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { refuseIdle } from '../../src/jobs/refusals.ts';
import { factoriseStep } from '../../src/jobs/steps/factorise-step.ts';
import { sparsifyStep } from '../../src/jobs/steps/sparsify-step.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { addInitializer, addNode, addOutput } from '../../src/model/ir/edit.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';

const engine = await openEngine();

/** y = x · w with a weight of [64, 64]. */
function product(dtype: 'float32' | 'float16', value: (i: number) => number, size = 64): Model {
  const model = parseModel(
    `<ir_version: 8, opset_import: ["" : 17]> g (${dtype === 'float32' ? 'float' : 'float16'}[N,${size}] x) => () {}`,
  );
  const w = tensorOf(
    dtype,
    [size, size],
    Float32Array.from({ length: size * size }, (_, i) => value(i)),
  );
  const inputs = [model.graph.inputs[0]!, addInitializer(model.graph, 'w', w)];
  const { outputs } = addNode(model.graph, { opType: 'MatMul', inputs, outputs: ['y'] });
  outputs[0]!.type = { ...model.graph.inputs[0]!.type! };
  addOutput(model.graph, outputs[0]!);
  return model;
}

const named = (name: PresetName): Recipe => preset(name);
const only = (pass: string, options = {}): Recipe =>
  parseRecipe({ edgepress: 1, name: pass, stages: [{ name: pass, passes: [{ pass, options }] }] });

async function refusal(source: Model, recipe: Recipe): Promise<Error> {
  const { model, journal } = await compressModel(source, { recipe, engine });
  try {
    await refuseIdle('m.onnx', { recipe, model, journal });
  } catch (error) {
    return error as Error;
  }
  throw new Error('It was not refused.');
}

const wave = (i: number) => Math.sin(i);
const tiny = product('float32', wave, 8);

describe('a refusal', () => {
  it('of float16 says that the weights are float16 already', async () => {
    const { message } = await refusal(product('float16', wave), named('float16'));
    expect(message).toMatch(/float16 could make smaller: 1 of MatMul, 8\.19 kB: float16 already\./);
  });

  it('of float16 says that they would underflow', async () => {
    const { message } = await refusal(
      product('float32', (i) => 1e-8 * Math.sin(i)),
      named('float16'),
    );
    expect(message).toContain('1 of MatMul, 16.4 kB: weights underflow');
  });

  it.each([
    ['int8', named('int8-weights'), 'int8'],
    ['4 bits', named('q4'), '4 bits and int8'],
    ['a palette', only('cluster-weights'), 'shared values'],
    ['zeros', only('prune-weights', { sparsity: 0.5 }), 'zeros'],
    ['low rank', only('factorize-weights', { target: 0.5, data: false }), 'two thin factors'],
  ])('of %s names it, and the weights that are too small', async (_, recipe, words) => {
    const { message } = await refusal(tiny, recipe);
    expect(message).toContain(`no weight that ${words} could make smaller: 1 of MatMul, 256 B: small weight`);
  });

  it('says what the constants are where none is a weight', async () => {
    const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
      g (float[2,3] x) => (float[3,2] y) <int64[2] shape = {3, 2}> { y = Reshape(x, shape) }`);
    expect((await refusal(model, named('int8-weights'))).message).toContain('16 B shapes, indices, limits');
  });
});

describe('a step that changes nothing', () => {
  const context = { engine, original: tiny, prepared: null, training: [], events: {} };

  it('is refused with the reasons', async () => {
    const recipe = only('prune-weights', { sparsity: 0.5 });
    const once = { rounds: 1, settings: null, maxDrop: null };
    const steps = [
      factoriseStep(only('factorize-weights', { target: 0.5, data: false })),
      sparsifyStep({ kind: 'sparsify', recipe, sparsity: 0.5, ...once }),
    ];
    for (const step of steps)
      await expect(step.apply(tiny, context)).rejects.toMatchObject({
        code: 'NOTHING_TO_QUANTIZE',
        message: expect.stringContaining('small weight'),
      });
  });
});
