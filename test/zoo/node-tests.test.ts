/** The exact passes on ONNX's own backend tests: outputs as ONNX expects them, wherever the runtime gives these for the
 *  original. */
import { beforeAll, describe, expect, it } from 'vitest';
import { cleanUp } from '../../passes/presets/clean-up.ts';
import { loadPasses } from '../../src/compress/compress.ts';
import { parseRecipe, type Recipe } from '../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../src/compress/pipeline/run.ts';
import type { Engine } from '../../src/compute/engine/contract.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { decodeModel, encodeModel } from '../../src/model/formats/onnx/index.ts';
import { addInitializer, addNode, createValue, removeInput, setOutputs } from '../../src/model/ir/edit.ts';
import { type Model, opset } from '../../src/model/ir/model.ts';
import type { Tensor } from '../../src/model/ir/tensor.ts';
import { isOlderThanKernels, withKernels } from '../../src/model/rewrite/opset/kernels.ts';
import { Diagnostic } from '../../src/support/diagnostics.ts';
import { type NodeTest as Case, unpackNodeTests } from '../node-tests.ts';
import { largestDifference, runModel } from '../run-model.ts';

const passes = await loadPasses();

const zoo = process.env['EDGEPRESS_ZOO'];
const kinds = ['node', 'simple', 'pytorch-converted', 'pytorch-operator'];

/** The Scan of opset 8 has a batch dimension that no later one has. */
const refused = ['test_scan_sum: UPGRADE_UNSUPPORTED'];

/** What the runtime says of operators, opsets and element types that it doesn't have. */
const unknownThere = /it is of opset \d+ of|it does not know the operator|it has no kernel for/;

/** What it fails on, or computes otherwise than ONNX expects, for reasons of its own. Integers aside: processors without VNNI cut
 *  their sums off. */
const failsThere = [
  'attention_24_qk_matmul_output_mode3_softmax_precision_expanded',
  'attention_4d_diff_heads_mask4d_padded_kv',
  'attention_4d_fp16_expanded',
  'attention_4d_gqa_causal_nonpad_decode_fp16_expanded',
  'attention_4d_gqa_with_past_and_present_fp16_expanded',
  'gru_batchwise',
  'lstm_batchwise',
  'maxunpool_export_with_output_shape',
  'resize_downsample_scales_cubic_align_corners',
  'resize_downsample_scales_linear_align_corners',
  'simple_rnn_batchwise',
  'training_dropout',
  'training_dropout_default',
  'training_dropout_default_mask',
  'training_dropout_mask',
].map((name) => `test_${name}`);
const ofIntegers = /integer|qlinear|quantize/;

describe.skipIf(!zoo)('the exact passes on ONNX backend tests (set EDGEPRESS_ZOO to run)', () => {
  let engine: Engine;
  const runnable: Case[] = [];
  const leftOut: { readonly name: string; readonly why: string }[] = [];
  /** Of opset 6 and before: what ONNX expects of them is the judge alone. */
  const withoutKernels: Case[] = [];

  beforeAll(async () => {
    engine = await openEngine('node');
    for (const one of unpackNodeTests(zoo!, kinds))
      if (isOlderThanKernels(one.model)) withoutKernels.push(one);
      else {
        const found = await differences(engine, one.model, one);
        if (found.length === 0) runnable.push(one);
        else leftOut.push({ name: one.name, why: found.join() });
      }
  });

  it('leaves out only what the runtime does not have, or fails on by itself', () => {
    console.log(
      `${leftOut.length} node tests fail in onnxruntime before any pass; ${runnable.length} don't.`,
    );
    const failing = leftOut.filter(({ why }) => !unknownThere.test(why)).map(({ name }) => name);
    expect(failing.filter((name) => !ofIntegers.test(name)).sort()).toEqual(failsThere);
    // As many as with onnxruntime 1.30; a newer one has more.
    expect(leftOut.length - failing.length).toBeLessThanOrEqual(120);
    expect(runnable.length).toBeGreaterThanOrEqual(1500);
  });

  it('cleans up without changing a result', async () => {
    const recipe = parseRecipe({ edgepress: 1, name: 'clean', stages: [cleanUp] });
    expect(await failures(engine, [...runnable, ...withoutKernels], recipe)).toEqual(refused);
  });

  it('hands an engine models that are older than its kernels so that they compute what ONNX expects', async () => {
    expect(withoutKernels.length).toBeGreaterThan(20);
    const wrong = [];
    for (const one of withoutKernels) {
      expect(await differences(engine, one.model, one), one.name).not.toEqual([]);
      wrong.push(...(await differences(engine, withKernels(one.model), one)));
    }
    expect(wrong).toEqual([]);
  });

  it('cleans up without changing a result when all inputs are constants', async () => {
    const recipe = parseRecipe({ edgepress: 1, name: 'clean', stages: [cleanUp] });
    expect(await failures(engine, runnable.map(withConstants), recipe)).toEqual(refused);
  });

  it.each([17, 18, 21])('upgrades to opset %i without changing a result', async (target) => {
    const old = [...runnable, ...withoutKernels].filter((c) => opset(c.model) < target);
    expect(old.length).toBeGreaterThan(300);
    const steps = [{ pass: 'upgrade-opset', options: { target } }];
    const recipe = parseRecipe({ edgepress: 1, name: 'up', stages: [{ name: 'up', passes: steps }] });
    expect(await failures(engine, old, recipe)).toEqual(refused);
  });
});

/** The same with its inputs as initializers, and an Identity before each output, so that all can be folded. */
function withConstants(c: Case): Case {
  const { graph, ...rest } = decodeModel(encodeModel(c.model), { name: c.name });
  for (const v of graph.inputs.filter((i) => !i.constant)) {
    removeInput(graph, v);
    addInitializer(graph, v, c.feeds[v.name]!);
  }
  const results = graph.outputs.map((v) => {
    const out = createValue(graph.names, `${v.name}_kept`, v.type);
    addNode(graph, { opType: 'Identity', inputs: [v], outputs: [out] });
    return { out, wanted: c.wanted[v.name]! };
  });
  setOutputs(
    graph,
    results.map((r) => r.out),
  );
  const wanted = Object.fromEntries(results.map((r) => [r.out.name, r.wanted]));
  return { name: c.name, model: { ...rest, graph }, feeds: {}, wanted };
}

/** What differs from what is wanted, or is refused. */
async function failures(engine: Engine, cases: readonly Case[], recipe: Recipe): Promise<string[]> {
  const found: string[] = [];
  for (const one of cases) {
    try {
      const { model } = await runRecipe(one.model, recipe, { passes, engine });
      const differ = await differences(engine, model, one);
      if (differ.length > 0) found.push(`${one.name}: ${differ.join(', ')}`);
    } catch (error) {
      if (!(error instanceof Diagnostic) || error.kind === 'internal') throw error;
      found.push(`${one.name}: ${error.code}`);
    }
  }
  return found;
}

async function differences(engine: Engine, model: Model, one: Case): Promise<string[]> {
  let results: Record<string, Tensor>;
  try {
    results = await runModel(engine, model, one.feeds);
  } catch (error) {
    return [(error as Error).message];
  }
  return Object.entries(one.wanted).flatMap(([name, wanted]) => {
    const got = results[name];
    if (!got) return [`${name} is missing`];
    const { difference, magnitude } = largestDifference(wanted, got);
    // ONNX's own runner allows 1e-3 relative.
    return difference <= 1e-3 * Math.max(1, magnitude) ? [] : [`${name} differs by ${difference}`];
  });
}
