/** sameStructure must see every single change of a model; each case changes one thing in its text. */
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../src/model/ir/clone.ts';
import { sameStructure } from './same-structure.ts';

const text = `<ir_version: 8, opset_import: ["" : 17, "local" : 1], producer_name: "p", metadata_props: ["k": "v"]>
g (float[N,2] x, seq(int64) s, bool c) => (float[N] y) <
  float[2] w = {1, 2},
  string[1] t = {"a"},
  float[1] e = ["location": "f.bin", "offset": "0", "length": "4"],
  float[N,2] h
> {
  [first] h = Foo <axis = 1, alpha = 1.0, v = float[2] n {1, 2}, p = float[2]> (x, w)
  i, j = local.f(h, "", x)
  y = If(c) <
    then_branch = a () => (r) {
      r = Neg(i)
    }
  >
}
<domain: "local", opset_import: ["" : 17]>
f <k, d = 2> (a) => (b) {
  b = Neg <q: int = @k> (a)
}
`;
const model = parseModel(text);

describe('sameStructure', () => {
  it('is null for a text read twice and for a clone', () => {
    expect(sameStructure(model, parseModel(text))).toBeNull();
    expect(sameStructure(model, cloneModel(model))).toBeNull();
  });

  it('leaves the order of initializers open', () => {
    const one = parseModel('g () => () <float a = {1}, float b = {2}> {}');
    const two = parseModel('g () => () <float b = {2}, float a = {1}> {}');
    expect(sameStructure(one, two)).toBeNull();
  });

  it.each([
    ['ir_version: 8', 'ir_version: 9', 'irVersion: 8 is not 9'],
    ['"" : 17, "local"', '"" : 18, "local"', 'opset "": value: 17 is not 18'],
    ['"k": "v"', '"k": "w"', 'metadata "k": value: v is not w'],
    ['float[N,2] x', 'float[M,2] x', 'graph "g": input "x": type float32 [N,2] is not float32 [M,2]'],
    ['seq(int64)', 'seq(int32)', 'graph "g": input "s": type'],
    ['w = {1, 2}', 'w = {1, 3}', 'graph "g": initializer "w": initializer "w": element 1 differs'],
    ['{"a"}', '{"b"}', 'graph "g": initializer "t"'],
    ['"offset": "0"', '"offset": "4"', 'offset: 0 is not 4'],
    ['float[N,2] h', 'float[N,3] h', 'output 0 "h": type'],
    ['[first]', '[second]', 'node 0 (Foo "first"): name: first is not second'],
    ['axis = 1', 'axis = 2', 'attribute "axis": element 0: value: 1 is not 2'],
    ['alpha = 1.0', 'alpha = 1', 'attribute "alpha": type: float is not int'],
    ['n {1, 2}', 'm {1, 2}', 'attribute "v": tensor name: n is not m'],
    ['p = float[2]', 'p = float', 'attribute "p": element 0: type float32 [2] is not float32 []'],
    ['(x, w)', '(w, x)', 'node 0 (Foo "first"): input 0: "x" is not "w"'],
    ['(h, "", x)', '(h, x)', 'node 1 (f ""): inputs: 3 are not 2'],
    ['i, j =', 'i, "" =', 'node 1 (f ""): output 1'],
    ['r = Neg(i)', 'r = Neg(j)', 'graph "a": node 0 (Neg ""): input 0: "i" is not "j"'],
    ['f <k, d = 2>', 'f <k, d = 3>', 'function "f": default "d"'],
    ['@k', '@d', 'attribute "q": reference: k is not d'],
  ])('sees %s become %s', (from, to, difference) => {
    expect(text).toContain(from);
    expect(sameStructure(model, parseModel(text.replace(from, to)))).toContain(difference);
  });
});
