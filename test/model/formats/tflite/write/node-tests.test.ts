/** ONNX's own backend tests, written and run by LiteRT: what is not refused is right. Each runs as it is, and with all inputs
 *  but the first as constants, as exporters write weights, axes and sizes. */
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../../../../src/model/formats/onnx/index.ts';
import { addInitializer, removeInput } from '../../../../../src/model/ir/edit.ts';
import { Diagnostic } from '../../../../../src/support/diagnostics.ts';
import { hasLitert, type LitertCase, litertTitle, runTfliteAll } from '../../../../litert.ts';
import { type NodeTest, unpackNodeTests } from '../../../../node-tests.ts';
import { caseOf, errorOf } from './run-written.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

/** ONNX expects corners aligned to sizes that are not rounded, where onnxruntime takes the rounded ones. */
const known = /^test_resize_downsample_scales_(cubic|linear)_align_corners/;

describe.skipIf(!zoo || !hasLitert)(`ONNX backend tests (set EDGEPRESS_ZOO to run) ${litertTitle}`, () => {
  it('gives what ONNX expects, or a coded refusal', { timeout: 600_000 }, () => {
    const kinds = ['node', 'simple', 'pytorch-converted', 'pytorch-operator'];
    const tests = unpackNodeTests(zoo!, kinds).filter(({ name }) => !known.test(name));
    const written = tests.flatMap((test) => [test, withConstants(test)]).flatMap(writtenOrRefused);
    const answers = runTfliteAll(written.map(({ made }) => made));
    const wrong = answers.flatMap((answer, i) => {
      const { test } = written[i]!;
      if (answer instanceof Error) return [`${test.name}: ${answer.message}`];
      // Expectations are computed by NumPy, some in float64; float16 is computed in float32 here.
      return errorOf(test.wanted, answer, 1) <= 1e-3 ? [] : [`${test.name} differs`];
    });
    expect(wrong).toEqual([]);
    expect(written.length).toBeGreaterThan(2000);
  });
});

function writtenOrRefused(test: NodeTest): { readonly test: NodeTest; readonly made: LitertCase }[] {
  try {
    return [{ test, made: caseOf(test.model, test.feeds) }];
  } catch (error) {
    if (error instanceof Diagnostic && error.kind === 'unsupported') return [];
    throw new Error(`${test.name} is neither written nor refused.`, { cause: error });
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
