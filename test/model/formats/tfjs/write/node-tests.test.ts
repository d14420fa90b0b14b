/** ONNX's own backend tests, written and run by TensorFlow.js: what is not refused is right. Each runs as it is, and with all
 *  inputs but the first as constants, as exporters write weights, axes and sizes. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeModel, encodeModel } from '../../../../../src/model/formats/onnx/index.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import { addInitializer, removeInput } from '../../../../../src/model/ir/edit.ts';
import { Diagnostic } from '../../../../../src/support/diagnostics.ts';
import { type NodeTest, unpackNodeTests } from '../../../../node-tests.ts';
import { largestDifference } from '../../../../run-model.ts';
import { runWritten, useBackend } from './run-written.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

/** Values of float64 beyond float32's range. */
const known = /^test_operator_add/;

describe.skipIf(!zoo)('ONNX backend tests (set EDGEPRESS_ZOO to run)', () => {
  let tests: NodeTest[] = [];
  beforeAll(async () => {
    await useBackend('wasm');
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const kinds = ['node', 'simple', 'pytorch-converted', 'pytorch-operator'];
    tests = unpackNodeTests(zoo!, kinds).filter(({ name }) => !known.test(name));
  }, 300_000);

  it('gives what ONNX expects, or a coded refusal', { timeout: 600_000 }, async () => {
    const wrong: string[] = [];
    let same = 0;
    for (const one of tests.flatMap((test) => [test, withConstants(test)])) {
      const answer = await outcome(one);
      if (answer === 'same') same++;
      else if (answer !== 'refused') wrong.push(`${one.name}: ${answer}`);
    }
    expect(wrong).toEqual([]);
    expect(same).toBeGreaterThan(2200);
  });
});

async function outcome({ model, feeds, wanted }: NodeTest): Promise<string> {
  try {
    const files = writeGraphModel(model);
    const received = await runWritten(model, feeds, files);
    // ONNX's expectations are computed by NumPy, some in float64; float16 is computed in float32 here.
    const off = Object.entries(wanted).find(([name, tensor]) => {
      const { difference, magnitude } = largestDifference(tensor, received[name]!);
      return difference > 1e-3 * Math.max(1, magnitude);
    });
    return off ? `${off[0]} differs` : 'same';
  } catch (error) {
    return error instanceof Diagnostic && error.kind === 'unsupported' ? 'refused' : String(error);
  }
}

function withConstants(test: NodeTest): NodeTest {
  const model = decodeModel(encodeModel(test.model), { name: test.name });
  const feeds = { ...test.feeds };
  for (const v of model.graph.inputs.filter((i) => !i.constant).slice(1)) {
    removeInput(model.graph, v);
    addInitializer(model.graph, v, test.feeds[v.name]!);
    delete feeds[v.name];
  }
  return { ...test, name: `${test.name}, constants`, model, feeds };
}
