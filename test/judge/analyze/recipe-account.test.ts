import { describe, expect, it } from 'vitest';
import { compressModel, type PresetName, preset } from '../../../src/compress/compress.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { refusalOf } from '../../../src/jobs/refusals.ts';
import { recipeAccount } from '../../../src/judge/analyze/recipe-account.ts';
import { layerTable } from '../../../src/judge/report/layer-table.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Model } from '../../../src/model/ir/model.ts';

const sevenths = (count: number) => Array.from({ length: count }, (_, i) => (i % 7) / 7).join(', ');

const attention = (attributes: string, inputs = '') =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (float[N,S,16] x, int32[N,1,8,8] mask, float[2,N,2,8,8] past) => (float[N,S,16] y)
    < float[16,48] W = {${sevenths(768)}}, float[48] b = {${sevenths(48)}} >
    { [att] y = com.microsoft.Attention <num_heads = 2${attributes}> (x, W, b${inputs}) }`);

/** Written out it would need two versions of "else", so it stays a call. */
const called = (given: string, inner: string) =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17, "my" : 1, "else" : 1]>
    g (float[N,20] x) => (float[N,20] y) < float[20,20] W = {${sevenths(400)}} >
    { [call] y = my.Dense (x, ${given}) }
    <domain: "my", opset_import: ["" : 17, "else" : 2]>
    Dense (a, b) => (z) { V = Constant <value = float[20,20] {${sevenths(400)}}> ()  z = MatMul (a, ${inner}) }`);

describe('why an operator was kept whole', async () => {
  const engine = await openEngine();

  async function told(model: Model, mode: PresetName) {
    const recipe = preset(mode);
    const made = await compressModel(model, { recipe, engine });
    const { rows } = await recipeAccount(made.model, recipe, made.journal);
    const weights = rows.filter(({ role }) => role === 'weight');
    const layers = layerTable(made.clean, made.model, []);
    return { weights, layers, ...(await refusalOf({ recipe, model: made.model, journal: made.journal })) };
  }

  it.each([
    ['a Megatron mask', attention('', ', mask'), 'attention-mask-form: int32 [N,1,8,8]'],
    ['rotated queries', attention(', do_rotary = 1'), 'attention-rotates'],
    [
      'a cache that it shares',
      attention(', past_present_share_buffer = 1', ', , past'),
      'attention-shares-its-cache',
    ],
  ])('stands at the weight of an Attention with %s, and at its layer', async (_, model, reason) => {
    for (const mode of ['int8-dynamic', 'q4'] as const) {
      const { weights, layers } = await told(model, mode);
      expect(weights).toMatchObject([{ form: 'int8', reason, isUnintended: false }]);
      expect(layers).toMatchObject([{ name: 'att', precision: 'int8-weights', reason }]);
    }
    const halved = await told(model, 'q4f16');
    expect(halved.weights).toMatchObject([{ form: 'float16', reason, isUnintended: false }]);
  });

  it('is nothing to say where float16 takes the operator as it is', async () => {
    const { weights } = await told(attention(', do_rotary = 1'), 'float16');
    expect(weights).toMatchObject([{ form: 'float16', reason: null }]);
  });

  it.each([
    ['is given', called('W', 'b')],
    ['holds', called('x', 'V')],
  ])('stands at the weight that a function %s, and in the refusal', async (_, model) => {
    const reason = expect.stringMatching(/^function-needs-else-2/);
    for (const mode of ['int8-dynamic', 'q4', 'float16'] as const) {
      const { weights, reasons } = await told(model, mode);
      expect(weights).toContainEqual(expect.objectContaining({ form: 'float', reason, isUnintended: true }));
      expect(reasons.join('\n')).toContain('function needs else 2');
    }
  });
});
