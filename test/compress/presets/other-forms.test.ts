/** Products in other forms and types (weight on the left, Einsum, float16, float64) compute in integers too: onnxruntime's
 *  optimiser finds its integer kernel in what comes out. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Statistics } from '../../../src/compute/calibrate/statistics.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { addInitializer, removeInput, setInput } from '../../../src/model/ir/edit.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { numbers, tensorOf } from '../../../src/model/ir/tensor.ts';
import { optimisedModel } from '../../optimised-model.ts';
import { runModel, seededFeeds } from '../../run-model.ts';

const statistics: Statistics = { samples: 1, range: () => ({ min: -4, max: 4 }) };

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const forms = {
  'weight on the left': 'float[2,32,9] x, float[24,32] w) => (float[2,24,9] y) { y = MatMul (w, x) }',
  'Einsum with the weight on the left':
    'float[2,32,9] x, float[24,32] w) => (float[2,24,9] y) { y = Einsum <equation = "oc,bct->bot"> (w, x) }',
  'Einsum into heads':
    'float[2,9,32] x, float[32,4,6] w) => (float[2,4,9,6] y) { y = Einsum <equation = "bsd,dnh->bnsh"> (x, w) }',
  float16: 'float16[9,32] x, float16[32,24] w) => (float16[9,24] y) { y = MatMul (x, w) }',
  float64: 'double[9,32] x, double[32,24] w) => (double[9,24] y) { y = MatMul (x, w) }',
} as const;

/** The input w becomes a seeded constant. */
function source(form: keyof typeof forms): Model {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>\ng (${forms[form]}`);
  const { graph } = model;
  const w = graph.inputs[1]!;
  const { w: values } = seededFeeds(model, 9);
  const constant = addInitializer(graph, 'weight', tensorOf(values!.dtype, values!.dims, numbers(values!)));
  for (const { node, index } of [...w.uses]) setInput(node!, index, constant);
  removeInput(graph, w);
  return model;
}

const integerKernels = ['MatMulIntegerToFloat', 'QLinearMatMul', 'MatMulInteger', 'DynamicQuantizeMatMul'];

describe.each(Object.keys(forms) as (keyof typeof forms)[])('%s', (form) => {
  it.each(['int8-static', 'int8-dynamic'] as const)('computes in integers under %s', async (name) => {
    const recipe = { ...preset(name), target: 'node' as const };
    const { model } = await compressModel(source(form), {
      recipe,
      engine,
      calibrate: async () => statistics,
    });
    const kernels = [...(await optimisedModel(model)).graph.nodes].map((n) => n.opType);
    expect(kernels.filter((type) => integerKernels.includes(type))).toHaveLength(1);
    const feeds = seededFeeds(source(form), 3);
    const [before, after] = [
      await runModel(engine, source(form), feeds),
      await runModel(engine, model, feeds),
    ];
    const [a, b] = [numbers(before['y']!), numbers(after['y']!)];
    const error = a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0);
    const energy = a.reduce((sum, v) => sum + v ** 2, 0);
    // 8 bits over ±4 for normal numbers and over each channel's weights: 35 dB and more.
    expect(10 * Math.log10(energy / error)).toBeGreaterThan(30);
  });
});
