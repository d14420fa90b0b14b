import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeModel, decodeTensorProto } from '../../../src/model/formats/onnx/index.ts';
import { addInitializer } from '../../../src/model/ir/edit.ts';
import { formatType, tensorType, type ValueType } from '../../../src/model/ir/type.ts';
import { graphsOf } from '../../../src/model/ir/walk.ts';
import { modelMacs } from '../../../src/model/ops/cost.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const archive = zoo && join(zoo, 'data/onnx-node-tests.tar.xz');

/** ONNX's own backend tests: model, inputs, expected outputs. Types inside the model are removed, inputs become constants
 *  (or stay unknown), and what is inferred is held against the expected outputs. */
describe.skipIf(!archive)('shape inference on ONNX backend tests (needs EDGEPRESS_ZOO)', () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'edgepress-node-tests-'));
    execFileSync('tar', ['-xJf', archive!, '-C', root]);
    root = join(root, 'onnx-backend-test-data');
  });
  afterAll(() => rmSync(join(root, '..'), { recursive: true, force: true }));

  type Verdict = 'exact' | 'open' | 'wrong';

  const folders = () =>
    readdirSync(root)
      .filter((kind) => existsSync(join(root, kind)) && kind !== 'COMMIT' && kind !== 'light')
      .flatMap((kind) => readdirSync(join(root, kind)).map((name) => join(root, kind, name)))
      .filter((dir) => existsSync(join(dir, 'model.onnx')));

  const read = (path: string) => new Uint8Array(readFileSync(path));

  function verdict(want: ValueType | null, got: ValueType | null): Verdict {
    if (formatType(want) === formatType(got)) return 'exact';
    if (!want || !got || want.kind !== got.kind) return 'wrong';
    if (want.kind === 'sequence' || want.kind === 'optional') {
      // Declared element shapes are symbols or left out; the expected files hold several tensors.
      const [a, b] = [want.element, (got as typeof want).element];
      return a && b && a.kind === b.kind ? 'open' : 'wrong';
    }
    if (want.kind === 'map') return 'open';
    const other = got as typeof want;
    if (want.dtype !== other.dtype) return 'wrong';
    if (!want.shape || !other.shape) return 'open';
    if (want.shape.length !== other.shape.length) return 'wrong';
    return other.shape.every((d, i) => typeof d === 'string' || d === want.shape![i]) ? 'open' : 'wrong';
  }

  /** The worst verdict over the outputs of one test. */
  function check(dir: string, constants: boolean): Verdict {
    const model = decodeModel(read(join(dir, 'model.onnx')), { name: dir });
    const set = join(dir, 'test_data_set_0');
    const inputs = model.graph.inputs.filter((v) => !v.constant);
    inputs.forEach((v, i) => {
      const file = join(set, `input_${i}.pb`);
      if (constants && v.type?.kind === 'tensor' && existsSync(file))
        addInitializer(model.graph, v, decodeTensorProto(read(file), v.name));
    });
    const wanted = model.graph.outputs.map((v, i) => {
      const file = join(set, `output_${i}.pb`);
      if (v.type?.kind !== 'tensor' || !existsSync(file)) return v.type;
      const t = decodeTensorProto(read(file), v.name);
      return tensorType(t.dtype, t.dims);
    });
    for (const graph of graphsOf(model))
      for (const node of graph.nodes) for (const v of node.outputs) if (v) v.type = null;
    inferShapes(model);
    const verdicts = model.graph.outputs.map((v, i) => verdict(wanted[i]!, v.type));
    return verdicts.includes('wrong') ? 'wrong' : verdicts.includes('open') ? 'open' : 'exact';
  }

  /** Sizes that depend on the values of tensors in ways that only running the operator tells, and why. */
  const dataDependent: readonly [RegExp, string][] = [
    [/nonmaxsuppression|nonzero|unique_/, 'as many as the data holds'],
    [/image_decoder/, 'the size is inside the encoded image'],
    [/string_split|strnorm/, 'depends on the text of the elements'],
    [
      /sequence_model|sequence_map|split_to_sequence|if_seq|optional_get_element/,
      'sequences of unlike tensors',
    ],
    [/loop11|range_.*_expanded/, 'values computed in a Loop'],
    [/affine_grid_.*_expanded/, 'target size chosen by an If over values'],
  ];

  it('gives dtype and shape of every output exactly, but for sizes that depend on data', () => {
    const all = folders();
    const results = all.map((dir) => [dir, check(dir, true)] as const);
    expect(results.filter(([, v]) => v === 'wrong')).toEqual([]);
    const open = results.filter(([, v]) => v === 'open').map(([dir]) => dir.split('/').pop()!);
    expect(open.filter((name) => !dataDependent.some(([pattern]) => pattern.test(name)))).toEqual([]);
    const exact = all.length - open.length;
    console.log(`ONNX backend tests: ${exact} of ${all.length} exact, ${open.length} open, 0 wrong`);
    expect(exact).toBeGreaterThanOrEqual(1874);
    expect(all.length).toBe(1942);
  });

  it.each([
    // Multiply–accumulates in millions as published, to three digits: torchvision's table of weights; for Inception v1
    // Sze et al. 2017, arXiv:1703.09039. null where there is no such figure for just this variant.
    ['light_bvlc_alexnet', null],
    ['light_densenet121', 2830],
    ['light_inception_v1', 1430],
    ['light_inception_v2', null],
    ['light_resnet50', 4090],
    ['light_shufflenet', null],
    ['light_squeezenet', 350],
    ['light_vgg19', 19630],
    ['light_zfnet512', null],
  ])('infers all of %s, and counts its work', (name, millions) => {
    const model = decodeModel(read(join(root, 'light', `${name}.onnx`)), { name });
    const wanted = model.graph.outputs.map((v) => formatType(v.type));
    for (const node of model.graph.nodes) for (const v of node.outputs) if (v) v.type = null;
    expect(inferShapes(model).missing).toEqual([]);
    expect(model.graph.outputs.map((v) => formatType(v.type))).toEqual(wanted);
    if (millions) expect(modelMacs(model).macs / 1e6 / millions).toBeCloseTo(1, 2);
  });

  it('never contradicts the expected outputs when the inputs are unknown', () => {
    expect(folders().filter((dir) => check(dir, false) === 'wrong')).toEqual([]);
  });
});
