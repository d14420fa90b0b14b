/** Files that are named after the inputs they are for, states that no file has, and numbers without a header. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { openOn } from '../../src/compute/engine/open-model.ts';
import { openData } from '../../src/data/open.ts';
import { withCarriedStates } from '../../src/jobs/carry-states.ts';
import { encodeNpy, encodeNpz } from '../../src/model/formats/npy.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../src/model/formats/opened.ts';
import { type Port, portsOf } from '../../src/model/ir/port.ts';
import { numbers, tensorOf } from '../../src/model/ir/tensor.ts';

const root = mkdtempSync(join(tmpdir(), 'edgepress-by-input-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string, files: Readonly<Record<string, Uint8Array>>): string {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name, file)), { recursive: true });
    writeFileSync(join(root, name, file), content);
  }
  return join(root, name);
}

const npy = (...values: number[]) => encodeNpy(tensorOf('float32', [1, values.length], values));
const png = (grey: number) =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .png()
    .toBuffer();
const port = (name: string, shape: Port['shape'], dtype: Port['dtype'] = 'float32'): Port => ({
  ...{ name, dtype, shape },
});
const [a, b] = [port('a', ['N', 2]), port('b', ['N', 1])];
const failure = (path: string, ports: readonly Port[], options: object = {}) =>
  openData(path, ports, { seed: 1, ...options }).then(
    () => ({ code: 'none', message: '' }),
    (error: { code: string; message: string }) => error,
  );

describe('files named after inputs', () => {
  it.each([
    ['a folder for each', 'a/1.npy', 'b/1.npy', 'a/2.npy', 'b/2.npy'],
    ['a folder for each, below another', 'val/a/1.npy', 'val/b/1.npy', 'val/a/2.npy', 'val/b/2.npy'],
    ['a folder for each sample', '1/a.npy', '1/b.npy', '2/a.npy', '2/b.npy'],
    ['names at the end', '1.a.npy', '1.b.npy', '2.a.npy', '2.b.npy'],
    ['names at the end, with a line', '1_a.npy', '1_b.npy', '2_a.npy', '2_b.npy'],
    ['names at the beginning', 'a_1.npy', 'b_1.npy', 'a_2.npy', 'b_2.npy'],
  ])('are matched: %s', async (how, a1, b1, a2, b2) => {
    const path = folder(how, { [a1]: npy(1, 2), [b1]: npy(3), [a2]: npy(4, 5), [b2]: npy(6) });
    const source = await openData(path, [a, b], { seed: 1 });
    expect(source).toMatchObject({ kind: 'files', length: 2 });
    const { inputs } = await source.read(1);
    expect(numbers(inputs['a']!)).toEqual([4, 5]);
    expect(numbers(inputs['b']!)).toEqual([6]);
  });

  it('may be of another kind for each input, and have labels', async () => {
    const image = port('image', ['N', 3, 8, 8]);
    const path = folder('kinds', {
      ...{ 'image/x/1.png': await png(10), 'image/y/2.png': await png(20) },
      ...{ 'b/x/1.npy': npy(1), 'b/y/2.npy': npy(2) },
    });
    const source = await openData(path, [image, b], { seed: 1, preprocess: '0-255' });
    expect(source).toMatchObject({ labelled: true, classes: ['x', 'y'] });
    const { inputs, label } = await source.read(1);
    expect(label).toBe(1);
    expect(numbers(inputs['image']!)[0]).toBe(20);
    expect(numbers(inputs['b']!)).toEqual([2]);
    expect(await source.picture!(0)).toContain('data:image/png');
  });

  it('are those of the longest name that fits', async () => {
    const ports = [port('mask', ['N', 1]), port('face_mask', ['N', 1])];
    const path = folder('long', { '1_mask.npy': npy(1), '1_face_mask.npy': npy(2) });
    const { inputs } = await (await openData(path, ports, { seed: 1 })).read(0);
    expect(numbers(inputs['face_mask']!)).toEqual([2]);
  });

  it('are refused by name where a partner is missing', async () => {
    const path = folder('lone', { 'a/1.npy': npy(1, 2), 'b/1.npy': npy(3), 'a/2.npy': npy(4, 5) });
    expect(await failure(path, [a, b])).toMatchObject({
      code: 'PARTNERS_MISSING',
      message: expect.stringContaining('2 has none for "b"'),
    });
    const none = folder('none', { 'a/1.npy': npy(1, 2) });
    expect((await failure(none, [a, b])).code).toBe('DATA_INPUTS_MISSING');
  });

  it('are refused where two claim to be the same', async () => {
    const path = folder('two', { 'a/1.npy': npy(1, 2), 'a/1.bin': new Uint8Array(8), 'b/1.npy': npy(3) });
    expect((await failure(path, [a, b])).code).toBe('PARTNERS_TWICE');
  });

  it('are left out together where a picture can’t be decoded', async () => {
    const image = port('image', ['N', 3, 8, 8]);
    const path = folder('bad', {
      ...{
        'image/1.png': await png(10),
        'image/2.png': new Uint8Array(9),
        'b/1.npy': npy(1),
        'b/2.npy': npy(2),
      },
    });
    const source = await openData(path, [image, b], { seed: 1, skipBad: true });
    expect(source).toMatchObject({ length: 1, leftOut: ['2'] });
    expect(numbers((await source.read(0)).inputs['b']!)).toEqual([1]);
  });
});

/** Adds up what it was given. */
const sums = `<ir_version: 8, opset_import: ["" : 17]>
g (float[N,1] x, float[1,N,1] state) => (float[N,1] y, float[1,N,1] state_out)
<int64[1] axes = {0}>
{
  u = Unsqueeze (x, axes)
  state_out = Add (u, state)
  y = Squeeze (state_out, axes)
}`;

describe('states that no file has', () => {
  const opened = openedFromModel(parseModel(sums));
  const ports = portsOf(opened.model);
  const states = async (path: string, indices: readonly number[]) => {
    const source = await openData(path, ports, { seed: 1, model: opened });
    const session = await openOn(await openEngine('wasm'), opened);
    const carried = await withCarriedStates(source, indices, session);
    const found: number[] = [];
    for (const index of indices) found.push(...numbers((await carried.read(index)).inputs['state']!));
    await session.close();
    return found;
  };
  const four = encodeNpz(new Map([['x', tensorOf('float32', [4, 1], [1, 2, 3, 4])]]));

  it('are zeros at first and handed on from sample to sample of an archive', async () => {
    const path = join(folder('npz', { 'x.npz': four }), 'x.npz');
    expect(await states(path, [0, 1, 3])).toEqual([0, 1, 6]);
  });

  it('begin anew in every folder', async () => {
    const path = folder('stretches', {
      ...{ 'one/1.npy': npy(1), 'one/2.npy': npy(2), 'two/1.npy': npy(3), 'two/2.npy': npy(4) },
    });
    expect(await states(path, [0, 1, 2, 3])).toEqual([0, 1, 0, 3]);
  });

  it('are those of the file where it has them', async () => {
    const state = tensorOf('float32', [1, 4, 1], [9, 8, 7, 6]);
    const both = new Map([
      ['x', tensorOf('float32', [4, 1], [1, 2, 3, 4])],
      ['state', state],
    ] as const);
    const path = join(folder('given', { 'x.npz': encodeNpz(both) }), 'x.npz');
    const source = await openData(path, ports, { seed: 1, model: opened });
    expect(source.carried).toBeUndefined();
    expect(numbers((await source.read(1)).inputs['state']!)).toEqual([8]);
  });

  it('are no guess for inputs that no output hands on', async () => {
    const path = join(folder('lacking', { 'x.npz': four }), 'x.npz');
    expect((await failure(path, [...ports, b], { model: opened })).code).toBe('DATA_INPUTS_MISSING');
  });
});

describe('numbers without a header', () => {
  const x = port('x', ['N', 3]);
  const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

  it('have the shape of the input, and its type where nobody tells another', async () => {
    const path = join(folder('bin', { 'x.bin': floats(1, 2, 3, 4, 5, 6) }), 'x.bin');
    const source = await openData(path, [x], { seed: 1 });
    expect(source).toMatchObject({ kind: 'bin', length: 2 });
    expect(numbers((await source.read(1)).inputs['x']!)).toEqual([4, 5, 6]);
    expect(source.guessed.join()).toContain('--dtype');
  });

  it('are read in the type that is told', async () => {
    const path = folder('bytes', { '1.bin': Uint8Array.of(255, 1, 2), '2.bin': Uint8Array.of(3, 4, 5) });
    const source = await openData(path, [x], { seed: 1, dtype: 'int8' });
    expect(source.length).toBe(2);
    expect(numbers((await source.read(0)).inputs['x']!)).toEqual([-1, 1, 2]);
  });

  it('say the one size that a model leaves open', async () => {
    const path = join(folder('open', { 'x.bin': floats(1, 2, 3, 4, 5, 6) }), 'x.bin');
    const source = await openData(path, [port('x', ['N', 'time', 2])], { seed: 1 });
    expect((await source.read(0)).inputs['x']!.dims).toEqual([1, 3, 2]);
    expect((await failure(path, [port('x', ['N', 'time', 'features'])])).code).toBe('BIN_SHAPE');
  });

  it('are refused with the types that fit where bytes are left over', async () => {
    const path = join(folder('odd', { 'x.bin': new Uint8Array(9) }), 'x.bin');
    expect(await failure(path, [x])).toMatchObject({
      code: 'BIN_SIZE',
      hint: expect.stringContaining('int8'),
    });
    expect((await failure(join(folder('empty', { 'x.bin': new Uint8Array(0) }), 'x.bin'), [x])).code).toBe(
      'BIN_SIZE',
    );
  });

  it('are refused where the type that nobody told makes no sense of them', async () => {
    const path = join(folder('ints', { 'x.bin': new Uint8Array(12).fill(255) }), 'x.bin');
    expect((await failure(path, [x])).code).toBe('BIN_TYPE');
    expect((await failure(path, [x], { dtype: 'int8' })).code).toBe('none');
  });

  it('are passed over beside samples of another kind', async () => {
    const path = folder('beside', { '1.npy': npy(1, 2, 3), 'x.bin': new Uint8Array(9) });
    expect(await openData(path, [x], { seed: 1 })).toMatchObject({ kind: 'npy', length: 1 });
  });
});

it('options of other kinds of data are refused', async () => {
  const x = port('x', ['N', 1]);
  const path = join(folder('idle', { 'x.npy': npy(1) }), 'x.npy');
  for (const option of [{ preprocess: '0-1' }, { dtype: 'int8' }, { window: 3 }, { sampleRate: 8000 }])
    expect((await failure(path, [x], option)).code).toBe('OPTION_WITHOUT_EFFECT');
});
