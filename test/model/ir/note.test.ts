import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model, Node, Value } from '../../../src/model/ir/model.ts';
import { copyNotes, defineNote, inheritNotes } from '../../../src/model/ir/note.ts';

const parse = () =>
  parseModel('<ir_version: 8, opset_import: ["" : 17]> g (float x) => (float y) { a = Abs (x) y = Neg (a) }');

const rank = defineNote<Node, number>('rank');
const seen = defineNote<Model, readonly string[]>('seen');
const unit = defineNote<Value, string>('unit');

describe('notes', () => {
  it('stay with the model, the nodes and the values of a copy', () => {
    const model = parse();
    const [abs] = model.graph.nodes;
    seen.set(model, ['here']);
    rank.set(abs!, 3);
    unit.set(abs!.outputs[0]!, 'metres');
    const copy = cloneModel(model);
    expect(seen.get(copy)).toEqual(['here']);
    expect(copy.graph.nodes.map(rank.get)).toEqual([3, undefined]);
    expect(unit.get(copy.graph.nodes[0]!.outputs[0]!)).toBe('metres');
    rank.delete(copy.graph.nodes[0]!);
    expect(rank.get(abs!)).toBe(3);
  });

  it('of two kinds are two, even under one name', () => {
    const [node] = parse().graph.nodes;
    defineNote<Node, string>('rank').set(node!, 'other');
    expect(rank.has(node!)).toBe(false);
  });

  it('are all copied, or only inherited where there is none', () => {
    const [from, to] = parse().graph.nodes;
    rank.set(from!, 1);
    rank.set(to!, 2);
    inheritNotes(from!, to!);
    expect(rank.get(to!)).toBe(2);
    copyNotes(from!, to!);
    expect(rank.get(to!)).toBe(1);
  });
});
