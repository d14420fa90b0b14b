/** What is made up for a model has the form of what it takes, and is the same at every run. */
import { describe, expect, it } from 'vitest';
import { madeUpInputs } from '../../../src/data/probe/made-up-inputs.ts';
import { networkBuilder, zeros } from '../../../src/model/build/index.ts';
import { openModel } from '../../../src/model/formats/open-file.ts';
import { openedFromModel } from '../../../src/model/formats/opened.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { numbers, type Tensor } from '../../../src/model/ir/tensor.ts';
import type { Dim } from '../../../src/model/ir/type.ts';

type Input = readonly [name: string, dtype: DType, shape: readonly Dim[]];

/** Gives back what it takes. */
function modelOf(...inputs: readonly Input[]): Model {
  const b = networkBuilder({ name: 'given' });
  for (const [name, dtype, shape] of inputs)
    b.output(`${name}_out`, b.op('Neg', [b.input(name, dtype, shape)]));
  return b.build();
}

const waysOf = (model: Model, drawings = true) =>
  madeUpInputs(openedFromModel(model, 'model.onnx'), { most: 8, drawings });

async function first(model: Model, name: string): Promise<Tensor> {
  return (await waysOf(model)[0]!.read(0)).inputs[name]!;
}

const range = (t: Tensor) => [Math.min(...numbers(t)), Math.max(...numbers(t))] as [number, number];

describe('pictures', () => {
  it('are drawn for inputs that take them, the same at every run and each another', async () => {
    const opened = await openModel('fixtures/models/glyphs-cnn.onnx');
    const [one, two] = [madeUpInputs(opened, { most: 8 })[0]!, madeUpInputs(opened, { most: 8 })[0]!];
    const read = async (source: typeof one, i: number) => numbers((await source.read(i)).inputs['image']!);
    expect(await read(one, 3)).toEqual(await read(two, 3));
    expect(await read(one, 3)).not.toEqual(await read(one, 2));
    expect((await one.read(0)).inputs['image']!.dims).toEqual([1, 3, 32, 32]);
    expect(one.kind).toBe('synthetic');
    expect(await one.hash()).toBe(await two.hash());
  });

  it('have the range that the input may be meant for, the likeliest first', async () => {
    const ways = waysOf(modelOf(['image', 'float32', ['N', 3, 24, 24]]));
    const [low, high] = range((await ways[0]!.read(0)).inputs['image']!);
    expect(ways.map(({ name }) => name)).toHaveLength(5);
    expect(low).toBeGreaterThan(-2.2);
    expect(high).toBeLessThan(2.7);
    const whole = await first(modelOf(['image', 'uint8', [1, 24, 24, 3]]), 'image');
    expect(numbers(whole).every((v) => Number.isInteger(v) && v >= 0 && v <= 255)).toBe(true);
  });

  it('have pixels as they are where the graph itself divides them', async () => {
    const b = networkBuilder({ name: 'scaled' });
    const x = b.input('image', 'float32', ['N', 3, 24, 24]);
    b.output('y', b.op('Div', [b.op('Sub', [x, b.scalar('mean', 127)]), b.scalar('half', 128)]));
    expect(range(await first(b.build(), 'image'))[1]).toBeGreaterThan(60);
  });

  it('stand in a row where the input is called after pixels', async () => {
    const opened = await openModel('fixtures/models/digits-mlp.onnx');
    const { inputs } = await madeUpInputs(opened, { most: 8 })[0]!.read(1);
    const [low, high] = range(inputs['pixels']!);
    expect(inputs['pixels']!.dims).toEqual([1, 784]);
    expect([low >= 0, high > 0.4, high <= 1]).toEqual([true, true, true]);
  });
});

describe('other inputs', () => {
  it('have waves where they take sound, its rate, and states of zeros', async () => {
    const b = networkBuilder({ name: 'voice' });
    const x = b.input('input', 'float32', [1, 512]);
    const h = b.input('state', 'float32', [2, 1, 16]);
    const sr = b.input('sr', 'int64', [1]);
    b.output('speech', b.op('Mul', [x, b.op('Cast', [sr], { to: 1 })]));
    b.output('stateN', b.op('Neg', [h]));
    const { inputs } = await waysOf(b.build())[0]!.read(0);
    expect(range(inputs['state']!)).toEqual([0, 0]);
    expect(numbers(inputs['sr']!)).toEqual([16000]);
    const [low, high] = range(inputs['input']!);
    expect(low).toBeLessThan(-0.01);
    expect([low >= -1, high <= 1, high > 0.01]).toEqual([true, true, true]);
  });

  it('have integers that the table has rows for', async () => {
    const b = networkBuilder({ name: 'table' });
    const place = b.input('place', 'int64', [1, 3, 40]);
    b.output('y', b.op('Gather', [b.weight('table', [7, 4], zeros), place]));
    expect(range(await first(b.build(), 'place'))).toEqual([0, 6]);
  });

  it('have the mean and deviation that a normalisation takes off', async () => {
    const b = networkBuilder({ name: 'normal' });
    const x = b.input('features', 'float32', ['N', 20]);
    b.output('y', b.op('Div', [b.op('Sub', [x, b.scalar('mean', 1000)]), b.scalar('by', 5)]));
    const [low, high] = range(await first(b.build(), 'features'));
    expect(low).toBeGreaterThan(950);
    expect(high).toBeLessThan(1050);
  });

  it('are refused where nothing can be made up for them', () => {
    expect(() => waysOf(modelOf(['words', 'string', [1]]))).toThrow(
      expect.objectContaining({ code: 'SYNTHETIC_TYPE' }),
    );
  });
});
