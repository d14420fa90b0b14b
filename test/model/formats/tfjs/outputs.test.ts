/** Models that are cut before they are converted. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { parseModel } from '../../../../src/model/formats/onnx-text/index.ts';
import { openModel } from '../../../../src/model/formats/open-file.ts';
import { labelsOf } from '../../../../src/model/ir/card.ts';
import { numbers, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../../src/model/ir/verify.ts';
import type { Diagnostic } from '../../../../src/support/diagnostics.ts';
import { runModel } from '../../../run-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'tfjs-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'model.json');
const shape = { shape: { dim: [{ size: '4' }] } };
const node = [
  { name: 'x', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' }, shape } },
  { name: 'body', op: 'Relu', input: ['x'] },
  { name: 'post', op: 'Frobnicate', input: ['body'] },
];
writeFileSync(path, JSON.stringify({ modelTopology: { node } }));

const outputsOf = (...outputs: string[]) =>
  openModel(path, { outputs }).model.graph.outputs.map((v) => v.name);

function refusalOf(read: () => unknown): { readonly hint: string } {
  try {
    read();
  } catch (error) {
    return { hint: String((error as Diagnostic).hint) };
  }
  throw new Error('It was read.');
}

describe('a graph-model', () => {
  it('is read up to the values that are asked for', () => {
    expect(() => openModel(path)).toThrow(expect.objectContaining({ code: 'TFJS_OPERATOR_UNKNOWN' }));
    const { hint } = refusalOf(() => openModel(path));
    expect(hint).toContain('--outputs body');
    expect(outputsOf(hint.split(' ').at(-1)!)).toEqual(['body']);
    expect(outputsOf('body')).toEqual(['body']);
    expect(outputsOf('body:0')).toEqual(['body:0']);
  });
  it('says which values it has when one is unknown', () => {
    expect(() => outputsOf('boby')).toThrow(
      expect.objectContaining({ code: 'OUTPUT_UNKNOWN', hint: 'Did you mean "body"?' }),
    );
  });
});

describe('an output of the signature that is called like an input', () => {
  const read = (op: string, source: string) => {
    const own = join(folder, `${op}.json`);
    const nodes = [...node.slice(0, 2), { name: 'x_1', op, input: ['x'] }];
    const signature = {
      inputs: { x: { name: 'x:0' } },
      outputs: { x: { name: source }, y: { name: 'body:0' } },
    };
    writeFileSync(own, JSON.stringify({ modelTopology: { node: nodes }, signature }));
    const { model } = openModel(own);
    verifyModel(model);
    return { model, names: model.graph.outputs.map((v) => v.name) };
  };

  it('is that input where it is its value', () => {
    expect(read('Identity', 'x_1:0').names).toEqual(['x', 'y']);
  });

  it('keeps another name where it is not', async () => {
    const { model, names } = read('Neg', 'x_1:0');
    expect(names[0]).not.toBe('x');
    const x = tensorOf('float32', [4], [-1, 0, 2, 3]);
    const out = await runModel(await openEngine(), model, { x });
    expect([...numbers(out[names[0]!]!)]).toEqual([1, -0, -2, -3]);
    expect([...numbers(out['y']!)]).toEqual([0, 0, 2, 3]);
  });
});

describe('a layers-model', () => {
  const dense = (name: string, from: string, width: number) => ({
    class_name: 'Dense',
    name,
    config: { name, units: width, activation: 'linear', use_bias: false },
    inbound_nodes: [[[from, 0, 0, {}]]],
  });
  const input = { name: 'x', batch_input_shape: [null, 2], dtype: 'float32' };
  const layers = [
    { class_name: 'InputLayer', name: 'x', config: input, inbound_nodes: [] },
    dense('features', 'x', 2),
    {
      class_name: 'Frobnicate',
      name: 'head',
      config: { name: 'head' },
      inbound_nodes: [[['features', 0, 0, {}]]],
    },
    dense('scores', 'head', 3),
  ];
  const config = {
    name: 'net',
    layers,
    input_layers: [['x', 0, 0]],
    output_layers: [['scores', 0, 0]],
  };
  const weights = [
    { name: 'features/kernel', shape: [2, 2], dtype: 'float32' },
    { name: 'scores/kernel', shape: [2, 3], dtype: 'float32' },
  ];
  const file = join(folder, 'layers.json');
  writeFileSync(
    file,
    JSON.stringify({
      modelTopology: { model_config: { class_name: 'Functional', config } },
      weightsManifest: [{ paths: ['w.bin'], weights }],
    }),
  );
  writeFileSync(
    join(folder, 'w.bin'),
    new Uint8Array(Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).buffer),
  );
  const namesOf = (outputs: string[]) => openModel(file, { outputs }).model.graph.outputs.map((v) => v.name);

  it('is read up to the layers that are asked for, which the refusal of a later one names', () => {
    expect(() => openModel(file)).toThrow(expect.objectContaining({ code: 'TFJS_LAYER_UNKNOWN' }));
    const { hint } = refusalOf(() => openModel(file));
    expect(hint).toBe('Cut the model before it: --outputs features');
    expect(namesOf(['features'])).toEqual(['features']);
    const [weight] = openModel(file, { outputs: ['features'] }).model.graph.initializers;
    expect([...new Float32Array(weight!.constant!.bytes().slice().buffer)]).toEqual([1, 2, 3, 4]);
  });

  it('is not cut by what is no layer of it', () => {
    expect(() => namesOf(['feature'])).toThrow(expect.objectContaining({ code: 'TFJS_LAYER_UNKNOWN' }));
  });

  it('keeps no class names of Teachable Machine where it is cut before its classes', () => {
    const three = mkdtempSync(join(folder, 'three-'));
    const known = layers.map((layer) =>
      layer.name === 'head'
        ? { ...layer, class_name: 'Activation', config: { name: 'head', activation: 'relu' } }
        : layer,
    );
    writeFileSync(
      join(three, 'model.json'),
      JSON.stringify({
        modelTopology: { model_config: { class_name: 'Functional', config: { ...config, layers: known } } },
        weightsManifest: [{ paths: ['w.bin'], weights }],
      }),
    );
    writeFileSync(join(three, 'w.bin'), readFileSync(join(folder, 'w.bin')));
    writeFileSync(join(three, 'metadata.json'), JSON.stringify({ labels: ['a', 'b', 'c'] }));
    const labels = (outputs?: string[]) => labelsOf(openModel(three, { outputs }).model);
    expect(labels()).toEqual(['a', 'b', 'c']);
    expect(labels(['features'])).toBe(labelsOf(parseModel(text)));
  });
});

const text = `<ir_version: 8, opset_import: ["" : 17]>
g (float[4] x) => (float[4] y) {
  a = Relu(x)
  y = Neg(a)
}`;

describe('a model of any other format', () => {
  it('is cut behind the values that are asked for, and what a caller holds stays whole', () => {
    const model = parseModel(text);
    const opened = openModel(model, { outputs: ['a'] });
    expect(opened.model.graph.nodes.map((n) => n.opType)).toEqual(['Relu']);
    expect(model.graph.nodes).toHaveLength(2);
    expect(() => openModel(model, { outputs: ['b'] })).toThrow(
      expect.objectContaining({ code: 'OUTPUT_UNKNOWN' }),
    );
  });
});
