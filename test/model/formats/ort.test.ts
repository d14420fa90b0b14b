/** .ort files that onnxruntime wrote, read as models: what we write from them computes what the file itself does. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { openOn } from '../../../src/compute/engine/open-model.ts';
import { syntheticInputs } from '../../../src/data/synthetic.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openModelBytes } from '../../../src/model/formats/opened.ts';
import { messageOf } from '../../../src/model/formats/ort/message.ts';
import { readOrt } from '../../../src/model/formats/ort/read.ts';
import { writeOrt } from '../../../src/model/formats/ort/write.ts';
import { portsOf } from '../../../src/model/ir/port.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { nodesOf } from '../../../src/model/ir/walk.ts';
import { convertToOrt } from '../../../src/ship/emit/ort.ts';
import { shippedModels } from '../../shipped-models.ts';

/** Runs the .ort file as it is, and the model that was read from it. */
async function expectSame(onnx: Uint8Array, level: 'basic' | 'extended'): Promise<void> {
  const opened = openModelBytes(await convertToOrt(onnx, { level }), { name: 'model.ort' });
  verifyModel(opened.model);
  const engine = await openEngine('node');
  const ours = openModelBytes(encodeModel(opened.model));
  const feeds = syntheticInputs(portsOf(opened.model), { seed: 1 });
  // Nothing is optimised on top, so that both compute with the same kernels.
  const [theirs, read] = [await openOn(engine, opened), await openOn(engine, ours, { optimization: 'none' })];
  const [expected, received] = [await theirs.run(feeds), await read.run(feeds)];
  expect(Object.keys(received)).toEqual(Object.keys(expected));
  for (const [name, tensor] of Object.entries(expected)) {
    expect(received[name]!.dims).toEqual(tensor.dims);
    expect(received[name]!.bytes()).toEqual(tensor.bytes());
  }
  await Promise.all([theirs.close(), read.close()]);
}

describe('an .ort file', () => {
  it.each(shippedModels)('is read with all that it computes: %s', async (name) => {
    const onnx = readFileSync(`fixtures/models/${name}`);
    await expectSame(onnx, 'basic');
    await expectSame(onnx, 'extended');
  });

  it('is read with subgraphs, strings, optional inputs and every kind of attribute that onnxruntime keeps', async () => {
    const text = `<ir_version: 8, opset_import: ["" : 17]>
      g (float[1,4] x, float[2,4] low) => (float[1,4] y, string[1,2] s) {
        flag = Constant <value: tensor = bool {1}> ()
        words = Constant <value: tensor = string[2,2] {"a", "b", "c", "d"}> ()
        row = Constant <value: tensor = int64[1] {1}> ()
        s = Gather <axis: int = 0> (words, row)
        high = Constant <value: tensor = float {0.5}> ()
        clipped = Clip (x, , high)
        y = If (flag) <then_branch = t () => (float[1,4] a) { a = Add (clipped, x) },
                       else_branch = e () => (float[1,4] b) { b = Neg (x) }>
      }`;
    const model = parseModel(text);
    const opened = openModelBytes(await convertToOrt(encodeModel(model), { level: 'basic' }));
    expect([...nodesOf(opened.model)].map((node) => node.opType)).toContain('Clip');
    verifyModel(opened.model);
    const engine = await openEngine('node');
    const feeds = syntheticInputs(portsOf(model), { seed: 1 });
    const [theirs, ours] = [
      await openOn(engine, opened),
      await openOn(engine, openModelBytes(encodeModel(opened.model))),
    ];
    const [expected, received] = [await theirs.run(feeds), await ours.run(feeds)];
    expect(received['y']!.bytes()).toEqual(expected['y']!.bytes());
    expect(received['s']!.strings).toEqual(expected['s']!.strings);
    await Promise.all([theirs.close(), ours.close()]);
  });

  it('keeps fused operators, and the domains that its nodes are from', async () => {
    const { model } = openModelBytes(await convertToOrt(readFileSync('fixtures/models/glyphs-cnn.onnx')));
    expect(model.graph.nodes.map((node) => node.opType)).toContain('FusedConv');
    expect([...model.opsets.keys()].sort()).toEqual(['', 'com.microsoft']);
  });

  it('is refused where it holds what a model has no place for', async () => {
    const root = readOrt(await convertToOrt(readFileSync('fixtures/models/glyphs-mlp.onnx')));
    type Table = Record<string, unknown>;
    const edited = (edit: (graph: { nodes: Table[]; initializers: Table[] }) => void) => {
      const copy = structuredClone(root) as { model: { graph: { nodes: Table[]; initializers: Table[] } } };
      edit(copy.model.graph);
      return () => messageOf(readOrt(writeOrt(copy as never)), 'net.ort');
    };
    const code = (value: string) => expect.objectContaining({ code: value });
    expect(edited((g) => Object.assign(g.nodes[0]!, { type: 1 }))).toThrow(code('ORT_COMPILED_NODE'));
    expect(edited((g) => Object.assign(g.initializers[0]!, { externalDataOffset: 64n }))).toThrow(
      code('ORT_OUTSIDE_DATA'),
    );
    const sparse = { name: 'value', type: 11 };
    expect(edited((g) => Object.assign(g.nodes[0]!, { attributes: [sparse] }))).toThrow(
      code('ORT_SPARSE_ATTRIBUTE'),
    );
    expect(() => messageOf({}, 'net.ort')).toThrow(code('ORT_DAMAGED'));
  });
});
