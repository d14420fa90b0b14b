/** Names of subgraphs that hide those around them are part of a file: BeamSearch and its like find inputs by them. */
import { expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel, printModel } from '../../../src/model/formats/onnx-text/index.ts';
import { subgraphs } from '../../../src/model/ir/attribute.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { setInput } from '../../../src/model/ir/edit.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { normalTensor } from '../../run-model.ts';
import { sameStructure } from '../same-structure.ts';
import { parsed } from './onnx-bytes.ts';

/** A Scan over rows, whose body calls its input as the graph calls its own. */
function hiding(): Uint8Array {
  const plain = encodeModel(
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[3,4] outer_x, float[4] start) => (float[4] last, float[3,4] all) {
  last, all = Scan(start, outer_x) <num_scan_inputs = 1, body = b (float[4] state, float[4] inner_x) => (float[4] next, float[4] row) {
    next = Add(state, inner_x)
    row = Mul(next, inner_x)
  }>
}`),
  );
  return Uint8Array.from(
    Buffer.from(Buffer.from(plain).toString('latin1').replaceAll('inner_x', 'outer_x'), 'latin1'),
  );
}

const bodyInputs = (bytes: Uint8Array) =>
  parsed(bytes).graph!.node![0]!.attribute!.flatMap((a) => a.g?.input?.map((i) => i.name) ?? []);

it('a subgraph keeps names that hide outer ones, and the file computes the same', async () => {
  const file = hiding();
  expect(bodyInputs(file)).toEqual(['state', 'outer_x']);
  const model = cloneModel(decodeModel(file));
  verifyModel(model);
  const written = encodeModel(model);
  expect(bodyInputs(written)).toEqual(['state', 'outer_x']);
  const engine = await openEngine('node');
  const feeds = { outer_x: normalTensor([3, 4], 1), start: normalTensor([4], 2) };
  const answers = [];
  for (const bytes of [file, written]) {
    const session = await engine.open({ bytes }, { threads: 1 });
    const { last, all } = await session.run(feeds);
    answers.push([last!.bytes(), all!.bytes()]);
    await session.close();
  }
  expect(answers[1]).toEqual(answers[0]);
});

it('a name is not given back where the subgraph has come to read the value that it would hide', () => {
  const model = decodeModel(hiding());
  const [body] = subgraphs(model.graph.nodes[0]!);
  setInput(body!.nodes[1]!, 0, model.graph.inputs[0]!);
  const [, inner] = bodyInputs(encodeModel(model));
  expect(inner).not.toBe('outer_x');
});

it('a text has the names of the file, and is read as the file is', () => {
  const model = decodeModel(hiding());
  const text = printModel(model);
  expect(text).toContain('float[4] outer_x)');
  const read = parseModel(text);
  verifyModel(read);
  expect(sameStructure(read, model)).toBeNull();
  expect(bodyInputs(encodeModel(read))).toEqual(['state', 'outer_x']);
  expect(printModel(read)).toBe(text);
});

it('a value may hide one that the graph around defines later, the result of its own If among them', async () => {
  const text = `<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x, bool c) => (float[2] y) {
  y = If(c) <
    then_branch = then () => (float[2] y) {
      later = Relu(x)
      y = Neg(later)
    },
    else_branch = else () => (float[2] e) {
      e = Identity(x)
    }
  >
  later = Abs(x)
}
`;
  const model = parseModel(text);
  verifyModel(model);
  const names = model.graph.nodes.flatMap((n) => [n, ...subgraphs(n).flatMap((g) => g.nodes)]);
  expect(new Set(names.flatMap((n) => n.outputs.map((v) => v!.name))).size).toBe(5);
  expect(printModel(model, { valueInfo: false })).toBe(text);
  expect(sameStructure(decodeModel(encodeModel(model)), model)).toBeNull();
});
