/** No engine that runs here has a kernel for channels-last convolutions, so they are compared with what they are by definition: a
 *  kernel of two rows is two matrix products over the channels, of each row and of the next. */
import { expect, it } from 'vitest';
import { openNodeEngine } from '../../../../src/compute/engine/onnxruntime-node.ts';
import { parseModel } from '../../../../src/model/formats/onnx-text/index.ts';
import { opKey } from '../../../../src/model/ir/model.ts';
import { numbers, type Tensor } from '../../../../src/model/ir/tensor.ts';
import { applyRules } from '../../../../src/model/rewrite/apply.ts';
import { fusedChannelsLast } from '../../../../src/model/rewrite/fused/channels-last.ts';
import { op } from '../../../../src/model/rewrite/pattern.ts';
import { defineRule } from '../../../../src/model/rewrite/rule.ts';
import { runModel, seededFeeds } from '../../../run-model.ts';

const engine = await openNodeEngine();

const model = (body: string) =>
  parseModel(
    `<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1, "com.ms.internal.nhwc" : 17]>\nagraph (float[2,4,3,2] x) => (float[2,3,3,3] y) <
      int64[3] shape = {3, 2, 2}, int64[1] zero = {0}, int64[1] one = {1}, int64[1] three = {3}, int64[1] four = {4},
      int64[1] rows = {1}, float[12] values = {0.5, -1, 2, 0.25, -0.75, 1.5, -2, 1, 3, -0.5, 0.125, -3}> { ${body} }`,
  );

/** `perm` brings the kernel, three outputs first, to [row, channel, output]. */
const byDefinition = (perm: string) => `
  cube = Reshape (values, shape)
  turned = Transpose <perm = ${perm}> (cube)
  k0, k1 = Split <axis = 0> (turned)
  w0 = Squeeze (k0, zero)  w1 = Squeeze (k1, zero)
  here = Slice (x, zero, three, rows)  next = Slice (x, one, four, rows)
  a = MatMul (here, w0)  b = MatMul (next, w1)
  y = Add (a, b)`;

const cases = {
  'com.microsoft.NhwcConv': ['[3,2,1,2]', '[1, 2, 0]'],
  'com.microsoft.NhwcFusedConv': ['[3,2,2,1]', '[2, 1, 0]'],
  'com.ms.internal.nhwc.Conv': ['[3,2,2,1]', '[2, 1, 0]'],
} as const;

it.each(Object.entries(cases))(
  '%s is two products when its kernel has two rows',
  async (name, [dims, perm]) => {
    const sizes = dims.slice(1, -1).split(',').join(', ');
    const fused = model(
      `s = Constant <value_ints = [${sizes}]> ()  w = Reshape (values, s)  y = ${name} (x, w)`,
    );
    const rules = Object.entries(fusedChannelsLast).map(([key, apart]) =>
      defineRule({
        name: key,
        match: op(key, [], { rest: true }),
        rewrite: (m, emit) => apart(m.root, emit),
      }),
    );
    expect(applyRules(fused, rules).changed).toBe(1);
    expect(fused.graph.nodes.map(opKey).filter((key) => key.includes(':'))).toEqual([]);
    const feeds = seededFeeds(fused, 5);
    const { y } = await runModel(engine, fused, feeds);
    const wanted = await runModel(engine, model(byDefinition(perm)), feeds);
    const [got, want] = [numbers(y as Tensor), numbers(wanted['y'] as Tensor)];
    // Four products of numbers up to ten: float32 differs in the last bits of their sum.
    expect(got.every((v, i) => Math.abs(v - want[i]!) < 1e-5)).toBe(true);
  },
);
