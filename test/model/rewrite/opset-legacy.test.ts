/** Models of opsets 1 to 6, which onnxruntime has no kernels for: what they compute once they are newer, against the formulas
 *  of their definitions. ONNX's own tests of that age are in test/zoo/node-tests.test.ts. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { openOn } from '../../../src/compute/engine/open-model.ts';
import { encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openModelBytes } from '../../../src/model/formats/opened.ts';
import { numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { normalTensor } from '../../run-model.ts';

/** The numbers of output y when an engine is handed the file. */
async function run(text: string, feeds: Record<string, Tensor>): Promise<number[]> {
  const engine = await openEngine('node');
  const opened = openModelBytes(encodeModel(parseModel(text)));
  const session = await openOn(engine, opened, { threads: 1 });
  try {
    return numbers((await session.run(feeds))['y']!);
  } finally {
    await session.close();
  }
}

const header = (opset: number) => `<ir_version: 3, opset_import: ["" : ${opset}]>`;
const [x, size] = [normalTensor([2, 3, 4, 5], 1), 2 * 3 * 4 * 5];
/** Index of an element of [2, 3, 4, 5] along an axis. */
const along = (i: number, axis: number) => Math.floor(i / [60, 20, 5, 1][axis]!) % [2, 3, 4, 5][axis]!;

describe('before opset 7', () => {
  it.each([
    { attributes: 'axis = 1, broadcast = 1', dims: [3, 4], at: (i: number) => along(i, 1) * 4 + along(i, 2) },
    { attributes: 'axis = 0, broadcast = 1', dims: [2], at: (i: number) => along(i, 0) },
    { attributes: 'axis = 2, broadcast = 1', dims: [4, 5], at: (i: number) => along(i, 2) * 5 + along(i, 3) },
    { attributes: 'broadcast = 1', dims: [5], at: (i: number) => along(i, 3) },
    { attributes: 'axis = 1, broadcast = 1', dims: [1, 1], at: () => 0 },
  ])(
    'the second of a Sub <$attributes> with shape $dims meets the axes that it says',
    async ({ attributes, dims, at }) => {
      const b = normalTensor(dims, 2);
      const model = `${header(6)} g (float[2,3,4,5] x, float[${dims}] b) => (float[2,3,4,5] y) { y = Sub <${attributes}> (x, b) }`;
      const [p, q] = [numbers(x), numbers(b)];
      const wanted = Array.from({ length: size }, (_, i) => Math.fround(p[i]! - q[at(i)]!));
      expect(await run(model, { x, b })).toEqual(wanted);
    },
  );

  it('a slope belongs to a channel', async () => {
    const model = `${header(5)} g (float[2,3,4,5] x, float[3] b) => (float[2,3,4,5] y) {
      y = PRelu <consumed_inputs = [0, 0]> (x, b)
    }`;
    const slopes = [0.5, 2, -1];
    const wanted = numbers(x).map((v, i) => (v < 0 ? Math.fround(v * slopes[along(i, 1)]!) : v));
    expect(await run(model, { x, b: tensorOf('float32', [3], slopes) })).toEqual(wanted);
  });

  it('Tile repeats along one axis, and Pad, Reshape and Cast have their arguments as attributes', async () => {
    const model = `${header(1)} g (float[2,2] x) => (int64[3,4] y) < float tiles = {2}, float axis = {1} > {
      t = Tile (x, tiles, axis)
      p = Pad <paddings = [0, 0, 1, 0], value = 9.0> (t)
      r = Reshape <shape = [3, -1]> (p)
      y = Cast <to = "INT64"> (r)
    }`;
    const feeds = { x: tensorOf('float32', [2, 2], [1, 2, 3, 4]) };
    expect(await run(model, feeds)).toEqual([1, 2, 1, 2, 3, 4, 3, 4, 9, 9, 9, 9]);
  });
});

it('a file whose operators have kernels already is handed to an engine as it is', () => {
  const bytes = encodeModel(parseModel(`${header(6)} g (float[2] x) => (float[2] y) { y = Relu(x) }`));
  expect(openModelBytes(bytes).engineSource('bytes').bytes).toBe(bytes);
});
