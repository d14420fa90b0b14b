/** Files may call values and operators like members of Object; nothing of Object may be taken for theirs. The oracle is
 *  onnxruntime, which runs original and result side by side, and the same network under ordinary names. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CompressOptions, compress, inspect } from '../../src/index.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { parseModel } from '../../src/model/formats/onnx-text/parse-model.ts';
import { addInitializer, removeInput } from '../../src/model/ir/edit.ts';
import { type Model, shapeOf, type Value } from '../../src/model/ir/model.ts';
import { normalTensor } from '../run-model.ts';

const members = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty'];
const ordinary = ['x', 'w', 'h', 'v', 'y'];

/** Two products with a Relu between them; names of input, weight, activation, weight and output. */
function network([x, w, h, v, y]: readonly string[]): Model {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[n,64] "${x}", float[64,64] "${w}", float[64,32] "${v}") => (float[n,32] "${y}") {
  p = MatMul("${x}", "${w}")
  "${h}" = Relu(p)
  "${y}" = MatMul("${h}", "${v}")
}`);
  const [, first, second] = model.graph.inputs as [Value, Value, Value];
  for (const [seed, value] of [first, second].entries()) {
    removeInput(model.graph, value);
    addInitializer(model.graph, value, normalTensor(shapeOf(value) as number[], seed + 1));
  }
  return model;
}

const compareOf = async (names: readonly string[], options: CompressOptions) => {
  const { report } = await compress(network(names), { measure: false, target: 'node', ...options });
  return report.compare!.outputs.map(({ name: _, ...rest }) => rest);
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-names-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Samples for an input of that name. */
function dataFor(name: string): string {
  const path = join(folder, `${name}.npz`);
  writeFileSync(path, zipSync({ [`${name}.npy`]: encodeNpy(normalTensor([60, 64], 3)) }));
  return path;
}

// onnxruntime's JavaScript loses an output called "__proto__", so that the first four places have it in turn.
const turned = ordinary.slice(0, 4).map((_, i) => [...members.slice(5 - i), ...members.slice(0, 5 - i)]);

it.each(turned)(
  'static int8 on values called %s, %s, %s, %s and %s gives what it gives on ordinary names',
  async (...names) => {
    const data = (input: string) => ({ int8: true, everywhere: true, data: dataFor(input) }) as const;
    const compared = await compareOf(names, data(names[0]!));
    expect(compared).toHaveLength(1);
    expect(compared).toEqual(await compareOf(ordinary, data('x')));
  },
);

it.each([{ int8: 'dynamic' }, { fp16: true }, { prune: 25 }] satisfies CompressOptions[])(
  '%o is done on values of such names',
  async (options: CompressOptions) => {
    const data = (input: string) => ({ ...options, data: dataFor(input) });
    const compared = await compareOf(turned[1]!, data(turned[1]![0]!));
    expect(compared).toHaveLength(1);
    expect(compared).toEqual(await compareOf(ordinary, data('x')));
  },
);

it.each(members)('an operator called %s is unknown, and counted', async (name) => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,64] x) => (float[1,64] y) { a = "${name}"(x)
 y = Relu(a) }`);
  const { report } = await inspect(model);
  expect(Object.entries(report.ops)).toContainEqual([name, 1]);
});
