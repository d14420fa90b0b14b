import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { bindArrays } from '../../src/data/arrays.ts';
import { convertTensor } from '../../src/data/convert.ts';
import { openData } from '../../src/data/open.ts';
import { createSyntheticSource, syntheticInputs } from '../../src/data/synthetic.ts';
import { networkBuilder } from '../../src/model/build/builder.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import type { DType } from '../../src/model/ir/dtype.ts';
import type { Port } from '../../src/model/ir/port.ts';
import { numbers, scalar, type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';
import { runModel } from '../run-model.ts';

const port = (name: string, shape: Port['shape'], dtype: DType = 'float32'): Port => ({ name, dtype, shape });
const counted = (dims: number[], dtype: DType = 'float32') =>
  tensorOf(
    dtype,
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i),
  );
const bind = (arrays: Record<string, Tensor>, ports: readonly Port[]) =>
  bindArrays(new Map(Object.entries(arrays)), ports, 'data.npz');
const failure = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('nothing was thrown');
};

it('quantises floats for an input of integers with a scale as QuantizeLinear of onnxruntime does, and says so', async () => {
  const values = [-9, -1.5, -0.25, 0, 0.25, 0.75, 1.25, 63.25, 63.75, 80];
  const steps = { dtype: 'int8', scale: 0.5, zeroPoint: -3 } as const;
  const input: Port = { ...port('x', ['N', 10], 'int8'), steps };
  const { tensor, note } = convertTensor(tensorOf('float32', [1, 10], values), input, 'data.npz');
  expect(note).toBe('float32 samples quantised to int8 with the scale of input "x"');
  const b = networkBuilder({ name: 'quantize' });
  const zero = b.constant('zero', scalar('int8', steps.zeroPoint));
  const x = b.input('x', 'float32', [1, 10]);
  b.output('y', b.op('QuantizeLinear', [x, b.scalar('scale', steps.scale), zero]));
  const { y } = await runModel(await openEngine('node'), b.build(), {
    x: tensorOf('float32', [1, 10], values),
  });
  expect(numbers(tensor)).toEqual(numbers(y!));
});

describe('which axis counts the samples', () => {
  it('cuts along the first axis and keeps a batch of one', () => {
    const bound = bind({ x: counted([3, 2, 2]) }, [port('x', ['N', 2, 2])]);
    expect(bound.length).toBe(3);
    expect(bound.inputs(1).x!.dims).toEqual([1, 2, 2]);
    expect(numbers(bound.inputs(1).x!)).toEqual([4, 5, 6, 7]);
  });

  it('takes a batch of one in the model for an open one', () => {
    expect(bind({ x: counted([3, 2]) }, [port('x', [1, 2])]).length).toBe(3);
  });

  it('takes one sample without its batch axis', () => {
    const bound = bind({ x: counted([2, 4]) }, [port('x', ['N', 2, 4])]);
    expect(bound.length).toBe(1);
    expect(bound.inputs(0).x!.dims).toEqual([1, 2, 4]);
  });

  it('takes an added first axis where the model has no batch', () => {
    const bound = bind({ x: counted([3, 4, 2]) }, [port('x', [4, 2])]);
    expect(bound.length).toBe(3);
    expect(bound.inputs(2).x!.dims).toEqual([4, 2]);
  });

  it('cuts states along the axis that carries the batch symbol', () => {
    const ports = [port('ids', ['b', 's'], 'int64'), port('h0', [2, 'b', 3])];
    const bound = bind({ ids: counted([2, 5], 'int64'), h0: counted([2, 2, 3]) }, ports);
    expect(bound.length).toBe(2);
    expect(bound.inputs(1).h0!.dims).toEqual([2, 1, 3]);
    expect(numbers(bound.inputs(1).h0!)).toEqual([3, 4, 5, 9, 10, 11]);
  });

  it('lets an array with one entry, and a setting, serve every sample', () => {
    const ports = [port('x', ['b', 4]), port('h0', [1, 'b', 3]), port('sr', [], 'int64')];
    const bound = bind(
      { x: counted([5, 4]), h0: counted([1, 1, 3]), sr: tensorOf('int64', [], [16000]) },
      ports,
    );
    expect(bound.length).toBe(5);
    expect(bound.inputs(4)).toMatchObject({ h0: { dims: [1, 1, 3] }, sr: { dims: [] } });
  });

  it('takes the only array for the only input, whatever its name, and says so', () => {
    const bound = bind({ arr_0: counted([2, 4]) }, [port('x', ['N', 4])]);
    expect(bound.length).toBe(2);
    expect(bound.notes.join()).toContain('arr_0');
  });
});

describe('arrays that do not fit', () => {
  it('says what is there and what is needed', () => {
    const error = failure(() =>
      bindArrays(
        new Map([['', counted([10, 10], 'float64')]]),
        [port('image', ['N', 3, 8, 8])],
        'readme.npy',
      ),
    );
    expect(error).toMatchObject({
      code: 'CALIBRATION_SHAPE',
      message: 'readme.npy holds float64 [10,10]; input "image" takes float32 [N,3,8,8].',
      hint: 'Pass images, or an array whose last 3 dimensions are 3,8,8.',
    });
  });

  it('names state inputs that are missing, and how to add them', () => {
    const ports = [
      port('input_ids', ['b', 's'], 'int64'),
      port('h0', [1, 'b', 128]),
      port('c0', [1, 'b', 128]),
    ];
    const error = failure(() => bind({ input_ids: counted([4, 8], 'int64') }, ports));
    expect(error.code).toBe('DATA_INPUTS_MISSING');
    expect(error.message).toContain('"h0" float32 [1,b,128], "c0" float32 [1,b,128]');
    expect(error.hint).toContain("h0=np.zeros((1, 1, 128), 'float32')");
  });

  it('refuses arrays with different numbers of samples', () => {
    const error = failure(() =>
      bind({ a: counted([3, 2]), b: counted([4, 2]) }, [port('a', ['N', 2]), port('b', ['N', 2])]),
    );
    expect(error.code).toBe('CALIBRATION_SHAPE');
    expect(error.message).toContain('3 samples for "a" and 4 for "b"');
  });
});

describe('element types', () => {
  const convert = (from: DType, values: number[], to: DType) =>
    convertTensor(tensorOf(from, [values.length], values), port('x', ['N'], to), 'f.npy');

  it.each([
    ['int32', 'int64', [-5, 7]],
    ['int64', 'int32', [-5, 7]],
    ['uint8', 'float32', [0, 255]],
    ['int64', 'float32', [-16777216, 16777216]],
    ['float32', 'float64', [0.5, -2]],
  ] as const)('turns %s into %s without loss', (from, to, values) => {
    const { tensor, note } = convert(from, [...values], to);
    expect(tensor.dtype).toBe(to);
    expect(numbers(tensor)).toEqual(values);
    expect(note).toContain(`${from} samples read as ${to}`);
  });

  it('rounds float64 to float32 and says so', () => {
    const { tensor, note } = convert('float64', [0.1], 'float32');
    expect(numbers(tensor)).toEqual([Math.fround(0.1)]);
    expect(note).toContain('rounded');
  });

  it.each([
    ['int64', 'int32', [2 ** 31]],
    ['int32', 'uint8', [-1]],
    ['int32', 'float32', [2 ** 24 + 1]],
    ['float32', 'int64', [1]],
    ['float32', 'uint8', [1]],
  ] as const)('refuses %s for %s where it could lose something', (from, to, values) => {
    expect(failure(() => convert(from, [...values], to)).code).toBe('CALIBRATION_SHAPE');
  });
});

describe('files of arrays', () => {
  const root = mkdtempSync(join(tmpdir(), 'edgepress-arrays-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const at = (...parts: string[]) => join(root, ...parts);
  const npz = (arrays: Record<string, Tensor>) =>
    zipSync(Object.fromEntries(Object.entries(arrays).map(([name, t]) => [`${name}.npy`, encodeNpy(t)])));
  const x = port('x', ['N', 4]);

  it('reads a .npz with labels inside', async () => {
    writeFileSync(at('a.npz'), npz({ x: counted([3, 4]), y: tensorOf('int64', [3], [2, 0, 1]) }));
    const source = await openData(at('a.npz'), [x], { seed: 1 });
    expect(source).toMatchObject({ kind: 'npz', length: 3, labelled: true });
    expect(await source.read(2)).toMatchObject({ id: 'a.npz[2]', label: 1 });
  });

  it('leaves targets alone that are not one class a sample', async () => {
    writeFileSync(at('t.npz'), npz({ x: counted([3, 4]), targets: counted([3, 4]) }));
    const source = await openData(at('t.npz'), [x], { seed: 1 });
    expect(source.labelled).toBe(false);
    expect(source.guessed.join()).toContain('not one class index');
  });

  it('reads a .npy with labels beside it', async () => {
    writeFileSync(at('b.npy'), encodeNpy(counted([5, 4])));
    writeFileSync(at('b-labels.npy'), encodeNpy(tensorOf('uint8', [5], [0, 1, 0, 1, 3])));
    const source = await openData(at('b.npy'), [x], { seed: 1, labels: at('b-labels.npy') });
    expect([0, 1, 2, 3, 4].map((i) => source.label?.(i))).toEqual([0, 1, 0, 1, 3]);
  });

  it('reads a folder with one sample a file, with or without the batch axis', async () => {
    mkdirSync(at('folder'));
    writeFileSync(at('folder', '1.npy'), encodeNpy(counted([4])));
    writeFileSync(at('folder', '2.npy'), encodeNpy(counted([1, 4])));
    const source = await openData(at('folder'), [x], { seed: 1 });
    expect(source.length).toBe(2);
    for (const i of [0, 1]) expect((await source.read(i)).inputs.x!.dims).toEqual([1, 4]);
    expect(await source.fingerprint!(0)).toBe(await source.fingerprint!(1));
  });

  it('refuses a file of many samples in such a folder', async () => {
    mkdirSync(at('many'));
    writeFileSync(at('many', '1.npy'), encodeNpy(counted([4])));
    writeFileSync(at('many', '2.npy'), encodeNpy(counted([7, 4])));
    const source = await openData(at('many'), [x], { seed: 1 });
    await expect(source.read(1)).rejects.toMatchObject({ code: 'CALIBRATION_SHAPE' });
  });

  it('hashes content, names and labels', async () => {
    const hashOf = async (labels: number[], first = 0) => {
      const data = tensorOf('float32', [2, 4], [first, 1, 2, 3, 4, 5, 6, 7]);
      writeFileSync(at('h.npz'), npz({ x: data, y: tensorOf('int64', [2], labels) }));
      return (await openData(at('h.npz'), [x], { seed: 1 })).hash();
    };
    const base = await hashOf([0, 1]);
    expect(await hashOf([0, 1])).toBe(base);
    expect(await hashOf([1, 0])).not.toBe(base);
    expect(await hashOf([0, 1], 9)).not.toBe(base);
  });
});

describe('synthetic samples', () => {
  const ports = [port('x', ['batch', 4]), port('ids', ['batch', 'seq'], 'int64'), port('on', [2], 'bool')];

  it('is the same for the same seed, another for the next', () => {
    const values = (seed: number) => numbers(syntheticInputs(ports, { seed }).x!);
    expect(values(1)).toEqual(values(1));
    expect(values(1)).not.toEqual(values(2));
  });

  it('fills open dimensions and keeps integers in their range', () => {
    const inputs = syntheticInputs(ports, {
      seed: 1,
      dims: { batch: 2, 'ids:1': 50, seq: 64 },
      integers: { ids: [3, 5] },
    });
    expect(inputs.x!.dims).toEqual([2, 4]);
    expect(inputs.ids!.dims).toEqual([2, 64]);
    expect([...new Set(numbers(inputs.ids!))].sort()).toEqual([3, 4, 5]);
    expect(numbers(inputs.on!).every((v) => v === 0 || v === 1)).toBe(true);
  });

  it('shares no sample between neighbouring seeds', async () => {
    const first = async (seed: number, index: number) =>
      numbers((await createSyntheticSource(ports, { seed, length: 9 }).read(index)).inputs.x!).join();
    const seen = new Set<string>();
    for (const seed of [1, 2, 3]) for (let i = 0; i < 9; i++) seen.add(await first(seed, i));
    expect(seen.size).toBe(27);
  });

  it('refuses what has no random value', () => {
    expect(failure(() => syntheticInputs([port('s', ['N'], 'string')], { seed: 1 })).code).toBe(
      'SYNTHETIC_TYPE',
    );
    expect(failure(() => syntheticInputs([port('s', null)], { seed: 1 })).code).toBe('SYNTHETIC_TYPE');
  });
});
