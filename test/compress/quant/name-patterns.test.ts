import { describe, expect, it } from 'vitest';
import { layersNamed, type Selection, selectNodes } from '../../../src/compress/quant/name-patterns.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { removeNode, setOutputs } from '../../../src/model/ir/edit.ts';
import { nodesOf } from '../../../src/model/ir/walk.ts';

const model = () =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,1,4,4] x, bool flag) => (float[1,1,?,?] y)
< float[1,1,1,1] W = {1} >
{
  ["/stem/Conv"] a = Conv (x, W)
  ["features.0"] b = Conv (a, W)
  ["features.1"] c = Relu (b)
  ["features.10+x"] d = Conv (c, W)
  y = If (flag) <
    then_branch = yes () => (float[1,1,?,?] t) { ["inner.proj"] t = Conv (d, W) },
    else_branch = no () => (float[1,1,?,?] e) { e = Neg (d) }
  >
}`);

function chosen(selection: Selection): string[] {
  const m = model();
  const selected = selectNodes(m, selection);
  return [...nodesOf(m)].filter(selected).map((n) => n.name || n.outputs[0]!.name);
}

const everything = ['/stem/Conv', 'features.0', 'features.1', 'features.10+x', 'y', 'inner.proj', 'e'];

describe('patterns', () => {
  it('choose everything when none is given', () => {
    expect(chosen({})).toEqual(everything);
    expect(chosen({ include: [], exclude: [] })).toEqual(everything);
  });

  it.each([
    ['an op type', 'Conv', ['/stem/Conv', 'features.0', 'features.10+x', 'inner.proj']],
    ['a node name', 'features.1', ['features.1']],
    ['the name of an output', 'c', ['features.1']],
    ['a glob, its dot being a dot', 'features.*', ['features.0', 'features.1', 'features.10+x']],
    ['a glob for one letter', 'features.?', ['features.0', 'features.1']],
    ['a glob across slashes', '/st*', ['/stem/Conv']],
    ['a name with a sign that regular expressions know', '*10+x', ['features.10+x']],
    ['a regular expression', '/^features\\.\\d$/', ['features.0', 'features.1']],
    ['a name in a branch', 'inner*', ['inner.proj']],
  ])('may be %s', (_, pattern, expected) => {
    expect(chosen({ include: [pattern] })).toEqual(expected);
    expect(chosen({ exclude: [pattern] })).toEqual(everything.filter((n) => !expected.includes(n)));
  });

  it('take away from what they include', () => {
    expect(chosen({ include: ['Conv'], exclude: ['features.*', 'inner.proj'] })).toEqual(['/stem/Conv']);
  });

  it('that match nothing are an error that names the nearest', () => {
    const failure = expect.objectContaining({
      code: 'PATTERN_MATCHES_NOTHING',
      hint: expect.stringContaining('"features.0"'),
    });
    expect(() => chosen({ exclude: ['featurs.0'] })).toThrow(failure);
    expect(() => chosen({ include: ['featurs.0'] })).toThrow(failure);
    expect(() => chosen({ include: ['Conv'], exclude: ['/nothing here/'] })).toThrow(
      expect.objectContaining({ code: 'PATTERN_MATCHES_NOTHING' }),
    );
  });

  it('that are no regular expression are an error', () => {
    expect(() => chosen({ exclude: ['/(/'] })).toThrow(expect.objectContaining({ code: 'PATTERN_INVALID' }));
  });

  it('that matched before may match nothing after a pass has absorbed the node', () => {
    const m = model();
    selectNodes(m, { exclude: ['Relu'] });
    const relu = m.graph.nodes[2]!;
    setOutputs(m.graph, []);
    for (const node of [...m.graph.nodes.slice(2)].reverse()) removeNode(node);
    expect(relu.outputs[0]!.producer).toBeNull();
    expect(() => selectNodes(m, { exclude: ['Relu'] })).not.toThrow();
    expect(() => selectNodes(m, { exclude: ['Sigmoid'] })).toThrow();
  });
});

it('layers are found by their very names, whatever they would mean as patterns', () => {
  const m = model();
  const kept = layersNamed(m, ['features.10+x', '/stem/Conv']);
  expect([...nodesOf(m)].filter(kept).map((n) => n.name)).toEqual(['/stem/Conv', 'features.10+x']);
  expect([...nodesOf(m)].filter(layersNamed(m, []))).toEqual([]);
  expect(() => layersNamed(m, ['features.1?'])).toThrow(
    expect.objectContaining({ code: 'PATTERN_MATCHES_NOTHING' }),
  );
});
