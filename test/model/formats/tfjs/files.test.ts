/** The files of a TensorFlow.js model: weights in all their forms, and what is wrong with damaged ones. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../../../src/model/formats/open-file.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import { numbers } from '../../../../src/model/ir/tensor.ts';
import { toFloat16 } from '../../../../src/support/float16.ts';

type Json = Record<string, unknown>;

const text = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

/** Adds a weight "w" to the input and hands it out; what the file says of the weight is up to the case. */
const graph = (more: Json = {}): Json => ({
  node: [
    { name: 'x', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: {} } } },
    { name: 'w', op: 'Const', attr: { dtype: { type: 'DT_FLOAT' } } },
    { name: 'y', op: 'AddV2', input: ['x', 'w'], attr: { T: { type: 'DT_FLOAT' } } },
  ],
  ...more,
});

const weight = (more: Json = {}): Json => ({ name: 'w', shape: [2], dtype: 'float32', ...more });
const group = (weights: Json[], ...paths: string[]): Json => ({ paths, weights });
const file = (weightsManifest: unknown, more: Json = {}): Json => ({
  modelTopology: graph(),
  weightsManifest,
  ...more,
});

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

function readWeight(json: Json, data: Record<string, Uint8Array>): { dtype: string; values: number[] } {
  const { model } = openModelBytes(text(json), {
    name: 'model.json',
    data: new Map(Object.entries(data)),
  });
  const constant = [...model.graph.initializers].find((v) => v.name.startsWith('w'))!.constant!;
  return { dtype: constant.dtype, values: numbers(constant) };
}

describe('a folder', () => {
  const inFolder = (files: Record<string, string | Uint8Array>, work: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'edgepress-tfjs-'));
    try {
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
      work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const model = JSON.stringify(file([group([weight()], 'w.bin')]));

  it('is opened as the only model in it, whatever that is called', () =>
    inFolder({ 'face.json': model, 'w.bin': floats(1, 2), 'package.json': '{}' }, (folder) => {
      expect(openModel(folder).name).toBe('face.json');
    }));

  it('with several is refused with their names, and one with none as a folder', () => {
    inFolder({ 'a.json': model, 'b.json': model, 'w.bin': floats(1, 2) }, (folder) =>
      expect(() => openModel(folder)).toThrow(expect.objectContaining({ code: 'MODEL_NOT_FOUND_IN' })),
    );
    inFolder({ 'package.json': '{}' }, (folder) =>
      expect(() => openModel(folder)).toThrow(expect.objectContaining({ code: 'FILE_IS_FOLDER' })),
    );
  });
});

describe('weights', () => {
  it('go on in the next file, and start at any byte', () => {
    const bytes = new Uint8Array([1, 0, 1, ...floats(1.5, -2)]);
    const flags = { name: 'flags', shape: [3], dtype: 'bool' };
    const json = file([group([flags, weight()], 'a.bin', './b.bin')]);
    const data = { 'a.bin': bytes.subarray(0, 6), 'b.bin': bytes.subarray(6) };
    expect(readWeight(json, data).values).toEqual([1.5, -2]);
  });
  it('of a later group start with the files of that group', () => {
    const other = { name: 'other', shape: [1], dtype: 'float32' };
    const json = file([group([other], 'a'), group([weight()], 'b')]);
    expect(readWeight(json, { a: floats(9), b: floats(3, 4) }).values).toEqual([3, 4]);
  });
  it('end before their file does, whose rest TensorFlow.js leaves unread', () => {
    expect(readWeight(file([group([weight()], 'a')]), { a: floats(1, 2, 3) }).values).toEqual([1, 2]);
  });
  it('of an optimizer take their place in the file and are left out', () => {
    const json = file([group([weight({ name: 'm', group: 'optimizer' }), weight()], 'a')]);
    expect(readWeight(json, { a: floats(7, 7, 1, 2) }).values).toEqual([1, 2]);
  });
  it.each([
    ['uint8', { dtype: 'uint8', scale: 0.5, min: -1 }, new Uint8Array([0, 255]), [-1, 126.5]],
    ['uint16', { dtype: 'uint16', scale: 0.25, min: 1 }, new Uint8Array([2, 0, 0, 1]), [1.5, 65]],
    [
      'float16',
      { dtype: 'float16' },
      new Uint8Array(toFloat16(Float32Array.from([0.5, -3])).buffer),
      [0.5, -3],
    ],
    ['uint8 of a constant', { dtype: 'uint8', scale: 0, min: 2 }, new Uint8Array([9, 0]), [2, 2]],
  ])('stored as %s are expanded', (_, quantization, bytes, expected) => {
    expect(readWeight(file([group([weight({ quantization })], 'a')]), { a: bytes }).values).toEqual(expected);
  });
  it('of whole numbers stored in 8 bits are rounded', () => {
    const entry = weight({ dtype: 'int32', quantization: { dtype: 'uint8', scale: 0.4, min: -1 } });
    const json = file([group([entry], 'a')], {
      modelTopology: {
        node: [
          { name: 'w', op: 'Const' },
          { name: 'y', op: 'Identity', input: ['w'] },
        ],
      },
    });
    expect(readWeight(json, { a: new Uint8Array([1, 9]) })).toEqual({ dtype: 'int32', values: [-1, 3] });
  });
  it('may stand in the node itself', () => {
    const tensor = { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '2' }] }, floatVal: [2.5] };
    const node = [
      { name: 'w', op: 'Const', attr: { value: { tensor } } },
      { name: 'y', op: 'Identity', input: ['w'] },
    ];
    expect(readWeight({ modelTopology: { node } }, {}).values).toEqual([2.5, 2.5]);
  });
});

describe('a file', () => {
  const data = { a: floats(1, 2) };
  const whole = file([group([weight()], 'a')]);
  const open = (bytes: Uint8Array, files: Record<string, Uint8Array> = data) =>
    openModelBytes(bytes, { name: 'model.json', data: new Map(Object.entries(files)) });

  it.each([
    ['with a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, ...text(whole)])],
    ['compressed by gzip', gzipSync(text(whole))],
    ['whose topology is a text of its own', text({ ...whole, modelTopology: JSON.stringify(graph()) })],
  ])('%s is read', (_, bytes) => {
    expect(open(bytes).model.graph.outputs.map((v) => v.name)).toEqual(['y']);
  });

  it('names its inputs and outputs after the signature of the metadata before the one beside it', () => {
    const signature = (name: string) => ({
      inputs: { [`${name}-in`]: { name: 'x:0', dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '-1' }] } } },
      outputs: { [`${name}-out`]: { name: 'y:0' } },
    });
    const json = {
      ...whole,
      signature: signature('top'),
      userDefinedMetadata: { signature: signature('meta') },
    };
    const { graph: read } = open(text(json)).model;
    expect([...read.inputs, ...read.outputs].map((v) => v.name)).toEqual(['meta-in', 'meta-out']);
    expect(read.inputs[0]!.type).toEqual({ kind: 'tensor', dtype: 'float32', shape: ['batch'] });
  });

  const node = (name: string, op: string, ...input: string[]) => ({ name, op, input });
  const whole32 = (name: string, value: number) => ({
    name,
    op: 'Const',
    attr: { value: { tensor: { dtype: 'DT_INT32', tensorShape: {}, intVal: [value] } } },
  });
  const nodes = (...list: Json[]) => text({ ...whole, modelTopology: { node: list } });
  it.each<[string, Uint8Array, Record<string, Uint8Array>, string]>([
    ['whose weights are missing', text(whole), {}, 'EXTERNAL_DATA_MISSING'],
    ['whose weights are cut off', text(whole), { a: floats(1) }, 'TFJS_WEIGHTS_SHORT'],
    [
      'that lists fewer weights than it uses',
      text({ ...whole, weightsManifest: [] }),
      {},
      'TFJS_WEIGHT_MISSING',
    ],
    [
      'that claims a weight beyond all files',
      text(file([group([weight({ shape: [1e9, 1e6] })], 'a')])),
      data,
      'TFJS_WEIGHTS_SHORT',
    ],
    [
      'whose shape is no number of elements',
      text(file([group([weight({ shape: [1e9, 1e9, 1e9] })], 'a')])),
      data,
      'TFJS_MALFORMED',
    ],
    ['with a negative size', text(file([group([weight({ shape: [-1] })], 'a')])), data, 'TFJS_MALFORMED'],
    ['with an unknown type', text(file([group([weight({ dtype: 'float8' })], 'a')])), data, 'TFJS_MALFORMED'],
    [
      'with two weights of one name',
      text(file([group([weight(), weight()], 'a', 'a')])),
      data,
      'TFJS_MALFORMED',
    ],
    [
      'with truth values in half floats',
      text(file([group([weight({ dtype: 'bool', quantization: { dtype: 'float16' } })], 'a')])),
      data,
      'TFJS_MALFORMED',
    ],
    ['of weights alone', text([group([weight()], 'a')]), data, 'TFJS_WEIGHTS_ONLY'],
    [
      'of weights alone, as an object',
      text({ weightsManifest: [group([weight()], 'a')] }),
      data,
      'TFJS_WEIGHTS_ONLY',
    ],
    ['that is no JSON', new TextEncoder().encode('{"modelTopology": {'), data, 'TFJS_MALFORMED'],
    ['whose gzip is cut off', gzipSync(text(whole)).subarray(0, 60), data, 'NOT_ONNX'],
    ['without a graph', text({ modelTopology: {} }), data, 'TFJS_MALFORMED'],
    ['with two nodes of one name', nodes(node('y', 'NoOp'), node('y', 'NoOp')), data, 'TFJS_MALFORMED'],
    ['that reads what is not there', nodes(node('y', 'Relu', 'z')), data, 'TFJS_MALFORMED'],
    [
      'that reads an output that is not there',
      nodes(node('w', 'Const'), node('y', 'Relu', 'w:3')),
      data,
      'TFJS_MALFORMED',
    ],
    ['without outputs', nodes(node('n', 'NoOp')), data, 'TFJS_NO_OUTPUTS'],
    [
      'with a cycle',
      nodes(node('a', 'Relu', 'b'), node('b', 'Relu', 'a'), node('y', 'Relu', 'a')),
      data,
      'TFJS_CYCLIC',
    ],
    [
      'with an unknown operator',
      nodes(node('w', 'Const'), node('y', 'Frobnicate', 'w')),
      data,
      'TFJS_OPERATOR_UNKNOWN',
    ],
    [
      'with an attribute of the wrong kind',
      nodes(node('w', 'Const'), { name: 'y', op: 'LeakyRelu', input: ['w'], attr: { alpha: { f: 'much' } } }),
      data,
      'TFJS_MALFORMED',
    ],
    ['whose nodes are no list', text({ ...whole, modelTopology: { node: 7 } }), data, 'TFJS_MALFORMED'],
    [
      'with a weight of 33 axes',
      text(file([group([weight({ shape: Array(33).fill(1) })], 'a')])),
      data,
      'TFJS_MALFORMED',
    ],
    [
      'with an operator called as all objects have one',
      nodes(node('w', 'Const'), node('y', 'constructor', 'w')),
      data,
      'TFJS_OPERATOR_UNKNOWN',
    ],
    ['with an empty name', nodes(node('w', 'Const'), node('', 'Relu', 'w')), data, 'TFJS_MALFORMED'],
    [
      'with a Switch without a condition',
      nodes(node('w', 'Const'), node('s', 'Switch', 'w'), node('y', 'Merge', 's', 's:1')),
      data,
      'TFJS_MALFORMED',
    ],
    ['that joins nothing', nodes(node('w', 'Const'), node('y', 'ConcatV2', 'w')), data, 'TFJS_OPERATOR_FORM'],
    [
      'with −1 steps of a line',
      nodes(whole32('a', 0), whole32('n', -1), node('y', 'LinSpace', 'a', 'a', 'n')),
      data,
      'TFJS_OPERATOR_FORM',
    ],
    [
      'with blocks of more axes than there are',
      nodes(whole32('i', 1), node('v', 'Pack', 'i'), node('y', 'SpaceToBatchND', 'v', 'v', 'v')),
      data,
      'TFJS_OPERATOR_FORM',
    ],
    [
      'that splits into −2 parts',
      nodes(whole32('i', 0), node('w', 'Const'), {
        ...node('y', 'Split', 'i', 'w'),
        attr: { num_split: { i: -2 } },
      }),
      data,
      'TFJS_OPERATOR_FORM',
    ],
    [
      'with an input of −7 rows',
      nodes(
        {
          ...node('a', 'Placeholder'),
          attr: { dtype: { type: 1 }, shape: { shape: { dim: [{ size: -7 }] } } },
        },
        node('y', 'Relu', 'a'),
      ),
      data,
      'TFJS_MALFORMED',
    ],
    ['that pops from no list', nodes(node('y', 'TensorListPopBack')), data, 'TFJS_OPERATOR_FORM'],
  ])('%s is refused', (_, bytes, files, code) => {
    expect(() => open(bytes, files)).toThrow(expect.objectContaining({ code }));
  });

  it('names operator and node that have no counterpart, and the way to cut before them', () => {
    const bytes = nodes(node('w', 'Const'), node('post/table', 'Frobnicate', 'w'));
    expect(() => open(bytes)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('Frobnicate "post/table"'),
        hint: expect.stringContaining('--outputs'),
      }),
    );
  });

  it('longer than any network, or of a million empty nodes, is refused before it fills the memory', () => {
    for (const bytes of [
      text({ ...whole, generatedBy: ' '.repeat(1 << 26) }),
      text({ modelTopology: { node: Array(1e6).fill({}) } }),
      text({ modelTopology: { node: Array(2 ** 22).fill(0) } }),
    ])
      expect(() => open(bytes)).toThrow(expect.objectContaining({ code: 'TFJS_MALFORMED' }));
  });

  it('whose functions call themselves, or one another without end, is refused', () => {
    const branches = (name: string) => ({ then_branch: { func: { name } }, else_branch: { func: { name } } });
    const choice = (name: string, called: string, input: string) => ({
      name,
      op: 'If',
      input: [input, input],
      attr: branches(called),
    });
    const fn = (i: number, called: number) => ({
      signature: { name: `f${i}`, inputArg: [{ name: 'v' }], outputArg: [{ name: 'o' }] },
      nodeDef: [choice('a', `f${called}`, 'v'), { name: 'b', op: 'Relu', input: ['v'] }],
      ret: { o: called < 0 ? 'b:activations:0' : 'a:output:0' },
    });
    const opened = (library: object[]) => () =>
      open(
        text({
          ...whole,
          modelTopology: {
            ...graph(),
            node: [...(graph()['node'] as Json[]), choice('z', 'f0', 'x')],
            library: { function: library },
          },
        }),
      );
    expect(opened([fn(0, 0)])).toThrow(expect.objectContaining({ code: 'TFJS_MALFORMED' }));
    const doubling = Array.from({ length: 40 }, (_, i) => fn(i, i === 39 ? -1 : i + 1));
    expect(opened(doubling)).toThrow(
      expect.objectContaining({ kind: expect.stringMatching(/user|unsupported/) }),
    );
  });

  it('of Sequentials in one another is read once each, and refused where they never end', () => {
    const nested = (depth: number) => {
      let layer: Json = { class_name: 'Dense', config: { name: 'd', units: 1 } };
      for (let i = 0; i < depth; i++)
        layer = { class_name: 'Sequential', config: { name: `s${i}`, layers: [layer] } };
      return text({ modelTopology: { model_config: layer }, weightsManifest: [] });
    };
    for (const depth of [30, 1000])
      expect(() => open(nested(depth))).toThrow(expect.objectContaining({ code: 'TFJS_NETWORK_INVALID' }));
  });

  it('opens weights in its own folder only', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tfjs-'));
    writeFileSync(join(folder, 'model.json'), text(file([group([weight()], '../secret')])));
    expect(() => openModel(join(folder, 'model.json'))).toThrow(
      expect.objectContaining({ code: 'EXTERNAL_DATA_PATH' }),
    );
    rmSync(folder, { recursive: true });
  });

  it('of 100 000 nodes in a row is read', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) =>
      node(`n${i}`, 'Relu', i === 0 ? 'x' : `n${i - 1}`),
    );
    const bytes = nodes(
      {
        name: 'x',
        op: 'Placeholder',
        attr: { dtype: { type: 1 }, shape: { shape: { dim: [{ size: 2 }] } } },
      },
      ...chain.reverse(),
    );
    expect(open(bytes).model.graph.nodes).toHaveLength(100_000);
  }, 60_000);
});
