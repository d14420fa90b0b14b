/** The textual syntax: texts printed by onnx.printer (in onnx-text/, ONNX 1.23), the rules of docs/Syntax.md, and
 *  random models that must survive printing and parsing. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel, printModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Attribute } from '../../../src/model/ir/attribute.ts';
import { subgraphs } from '../../../src/model/ir/attribute.ts';
import type { Model, Value } from '../../../src/model/ir/model.ts';
import { float32Values, typedArray, unpack } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { Diagnostic } from '../../../src/support/diagnostics.ts';
import { sameStructure } from '../same-structure.ts';
import { model as randomModel } from './onnx-text/random-model.ts';

const folder = new URL('./onnx-text/', import.meta.url);
const fixtures = readdirSync(folder).filter((f) => f.endsWith('.onnx.txt'));
const fixture = (name: string) => parseModel(readFileSync(new URL(`${name}.onnx.txt`, folder), 'utf8'), name);

const header = '<ir_version: 8, opset_import: ["" : 17]>';
const withNodes = (nodes: string, signature = '(float[N] x) => (float[N] y)') =>
  parseModel(`${header}\ng ${signature} {\n${nodes}\n}`, 'test');
const attributesOf = (text: string): Map<string, Attribute> =>
  withNodes(`y = Foo <${text}> (x)`).graph.nodes[0]!.attributes;
const constant = (text: string) => {
  const model = parseModel(`${header} g () => () <${text}> {}`, 'test');
  return [...model.graph.initializers][0]!.constant!;
};

function caught(run: () => unknown): Diagnostic {
  try {
    run();
  } catch (error) {
    if (error instanceof Diagnostic) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const value = (model: Model, name: string): Value => findValue(model, name)!;

describe('texts printed by onnx.printer', () => {
  it.each(fixtures)('%s parses, holds together and survives our own printing', (file) => {
    const model = parseModel(readFileSync(new URL(file, folder), 'utf8'), file);
    verifyModel(model);
    const printed = printModel(model);
    expect(sameStructure(model, parseModel(printed))).toBeNull();
    expect(printModel(parseModel(printed))).toBe(printed);
  });

  it('keeps the order of initializers, of which some are inputs', () => {
    const text = `<ir_version: 3, opset_import: ["" : 6]>
g (float[1] a, float[1] b, float[1] x) => (float[1] y) <
  float[1] b = {2},
  float[1] a = {1}
> {
  s = Add(a, b)
  y = Add(s, x)
}
`;
    const model = parseModel(text);
    expect([...model.graph.initializers].map((v) => v.name)).toEqual(['b', 'a']);
    expect(printModel(model, { valueInfo: false })).toBe(text);
  });

  it('gives elements of every type the values that numpy put in', () => {
    const model = fixture('elements');
    const array = (name: string) => Array.from(typedArray(value(model, name).constant!) as Uint8Array);
    const floats = (name: string) => Array.from(float32Values(value(model, name).constant!));
    expect(floats('f32')).toEqual(
      [1, -0.1, 1e-45, 3.4028235e38, Infinity, -Infinity, NaN, -0, 16777216, 1e21].map(Math.fround),
    );
    expect(array('f64')).toEqual([0.1, 5e-324, Number.MAX_VALUE]);
    expect(floats('f16')).toEqual([1, -2, 65504, Infinity]);
    expect(floats('bf16')).toEqual([1, -3]);
    expect(array('i64')).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
    expect(array('u64')).toEqual([2n ** 64n - 1n, 0n]);
    expect(array('i32')).toEqual([-(2 ** 31), 2 ** 31 - 1]);
    expect(array('u32')).toEqual([2 ** 32 - 1]);
    expect(array('i16')).toEqual([-32768, 32767]);
    expect(array('i8')).toEqual([-128, 127]);
    expect(array('b')).toEqual([1, 0]);
    expect(array('f8')).toEqual([0x38, 0xfe]);
    expect(value(model, 'str').constant!.strings!.map((s) => new TextDecoder().decode(s))).toEqual([
      'plain',
      'with "quotes" and \\',
      '',
    ]);
    expect(value(model, 'empty').constant!.dims).toEqual([0, 3]);
    expect(value(model, 'scalar').constant!.dims).toEqual([]);
  });

  it('reads header, types and attributes as they were made', () => {
    const model = fixture('attributes');
    expect(model.producer).toEqual({ name: 'pytorch', version: '2.1.0' });
    expect(model.doc).toBe('A "test" model.\nTwo lines.');
    expect(model.metadata.get('names')).toBe("{0: 'cat'}");
    expect(model.modelVersion).toBe(7n);
    expect(value(model, 'x').type).toEqual({ kind: 'tensor', dtype: 'float32', shape: ['N', 'seq len', 4] });
    expect(value(model, 'sp').type).toEqual({ kind: 'sparse', dtype: 'float64', shape: [4, 'K'] });
    expect(value(model, '/gemm/out').type).toEqual({
      kind: 'tensor',
      dtype: 'float32',
      shape: ['N', 'seq len', 2],
    });
    const custom = model.graph.nodes[1]!;
    expect([custom.domain, custom.opType]).toEqual(['com.example.ops', 'Custom']);
    expect(custom.inputs[1]).toBeNull();
    expect(custom.outputs[1]).toBeNull();
    expect(custom.attributes.get('scales')).toEqual({
      type: 'floats',
      value: [1, 2, Math.fround(0.3333333)],
    });
    expect(custom.attributes.get('axes')).toEqual({ type: 'ints', value: [-1n, 9223372036854775807n] });
    expect(custom.attributes.get('none')).toEqual({ type: 'ints', value: [] });
    expect(custom.attributes.get('tp')).toEqual({
      type: 'type',
      value: { kind: 'tensor', dtype: 'float16', shape: ['N', null, 3] },
    });
    expect(custom.attributes.get('value')).toMatchObject({ type: 'tensor', name: 't' });
  });

  it('lets subgraphs read the very values of the graphs around them', () => {
    const model = fixture('subgraphs');
    const body = subgraphs(model.graph.nodes[0]!)[0]!;
    const [orElse, then] = subgraphs(body.nodes[2]!);
    expect(body.nodes[1]!.inputs[1]).toBe(model.graph.inputs[0]);
    expect(orElse!.nodes[0]!.inputs[0]).toBe(model.graph.inputs[0]);
    expect(then!.nodes[0]!.inputs[0]).toBe(body.nodes[1]!.outputs[0]);
    expect(model.graph.inputs[0]!.uses).toHaveLength(2);
  });

  it('reads functions with attributes and overloads', () => {
    const [scaled, twice] = fixture('functions').functions;
    expect(scaled!.attributes).toEqual(['factor']);
    expect(scaled!.graph.nodes[0]!.attributes.get('value_float')).toEqual({
      type: 'reference',
      name: 'factor',
      of: 'float',
    });
    expect([twice!.domain, twice!.name, twice!.overload]).toEqual(['local', 'twice', 'fast']);
  });

  it('keeps the place of external data and says what is missing when its bytes are asked for', () => {
    const tensor = value(fixture('external'), 'w').constant!;
    expect(tensor.external).toEqual({ location: 'weights.bin', offset: 4096, length: 16 });
    expect(caught(() => tensor.bytes()).code).toBe('EXTERNAL_DATA_UNAVAILABLE');
  });
});

describe('attributes', () => {
  it('tells ints from floats by how the number is written, and by the annotation', () => {
    const a = attributesOf('i = 1, f = 1.0, e = 1e3, g: float = 1, n = -inf, fs = [1, 2.5], es: floats = []');
    expect(Object.fromEntries(Array.from(a, ([k, v]) => [k, v.type]))).toEqual({
      i: 'int',
      f: 'float',
      e: 'float',
      g: 'float',
      n: 'float',
      fs: 'floats',
      es: 'floats',
    });
    expect(a.get('e')).toEqual({ type: 'float', value: 1000 });
    expect(a.get('n')).toEqual({ type: 'float', value: -Infinity });
  });

  it('may stand after the inputs', () => {
    expect(withNodes('y = Foo(x) <axis = 1>').graph.nodes[0]!.attributes.get('axis')).toEqual({
      type: 'int',
      value: 1n,
    });
  });

  it('tells a type from a scalar tensor', () => {
    const a = attributesOf('t = float, s = float {1}, named = float b = {2}, list = [float[2], seq(int64)]');
    expect(Array.from(a.values(), (v) => v.type)).toEqual(['type', 'tensor', 'tensor', 'types']);
  });

  it('takes the type of a reference without annotation from the default of the function', () => {
    const text = `${header} g () => () {} <domain: "d"> f <k = 2> (x) => (y) { y = Foo <axis = @k> (x) }`;
    expect(parseModel(text).functions[0]!.graph.nodes[0]!.attributes.get('axis')).toEqual({
      type: 'reference',
      name: 'k',
      of: 'int',
    });
  });

  it.each([
    ['an empty list without a type', 'a = []'],
    ['a list of mixed types', 'a = [1, "x"]'],
    ['a value that is not of the type announced', 'a: int = 1.5'],
    ['one value where a list is announced', 'a: ints = 1'],
    ['a list where one value is announced', 'a: int = [1]'],
    ['an unknown type', 'a: double = 1.0'],
    ['an int beyond int64', 'a = 9223372036854775808'],
    ['a float beyond float32', 'a = 3.5e38'],
    ['the same attribute twice', 'a = 1, a = 2'],
    ['a reference of unknown type', 'a = @k'],
  ])('refuses %s', (_, text) => {
    expect(caught(() => attributesOf(text)).code).toBe('TEXT_SYNTAX');
  });
});

describe('tensors', () => {
  it('packs int4 and uint2 low bits first', () => {
    expect(Array.from(constant('int4[3] w = {-8, 7, 1}').bytes())).toEqual([0x78, 0x01]);
    expect(unpack(constant('uint2[5] w = {0, 1, 2, 3, 1}'))).toEqual([0, 1, 2, 3, 1]);
  });

  it('reads float16 as bit patterns, and as values when they are written as floats', () => {
    expect(Array.from(float32Values(constant('float16[3] w = {15360, 1.0, -inf}')))).toEqual([
      1,
      1,
      -Infinity,
    ]);
    expect(Array.from(float32Values(constant('bfloat16[2] w = {16256, 1.5}')))).toEqual([1, 1.5]);
  });

  it('keeps the sign of NaN', () => {
    expect(Array.from(constant('float[2] w = {nan, -nan}').bytes())).toEqual([
      0, 0, 192, 127, 0, 0, 192, 255,
    ]);
  });

  it('makes a constant for an input overridable, in the signature or below it', () => {
    for (const text of ['(float[1] x = {1}) => () {}', '(float[1] x) => () <float[1] x = {1}> {}']) {
      const { graph } = parseModel(`g ${text}`);
      expect(graph.inputs[0]!.overridable).toBe(true);
      expect(graph.initializers.has(graph.inputs[0]!)).toBe(true);
    }
  });

  it('makes no input overridable before IR version 4, where initializers had to be inputs', () => {
    const { graph } = parseModel('<ir_version: 3, opset_import: ["" : 8]> g (float[1] x = {1}) => () {}');
    expect(graph.inputs[0]!.overridable).toBe(false);
    expect(graph.inputs[0]!.constant).not.toBeNull();
  });

  it.each([
    ['too few elements', 'float[3] w = {1, 2}'],
    ['too many elements', 'float w = {1, 2}'],
    ['a value outside the type', 'uint8[1] w = {256}'],
    ['a float among integers', 'int64[1] w = {1.5}'],
    ['a symbolic dimension', 'float[N] w = {1}'],
    ['an unknown rank', 'float[] w = {1}'],
    ['a negative dimension', 'float[-1] w = {}'],
    ['elided elements', 'float[3] w = {1, …}'],
    ['external data without a location', 'float[1] w = ["offset": "0"]'],
    ['a type that is not a tensor', 'seq(float) w = {1}'],
  ])('refuses %s', (_, text) => {
    expect(caught(() => constant(text)).code).toBe('TEXT_SYNTAX');
  });
});

describe('errors', () => {
  it('say line, column, what was expected, what came, and show the line', () => {
    const { code, message } = caught(() =>
      parseModel('<ir_version: 8>\ng (float x) => (float y) {\n  y = Add(x, x\n}', 'm.txt'),
    );
    expect(code).toBe('TEXT_SYNTAX');
    expect(message).toBe('m.txt:4:1: expected ")" or "," after an input of Add, found "}".\n}\n^');
  });

  it('point at the name that nothing defines', () => {
    const { code, message } = caught(() => withNodes('  y = Add(x, foo)'));
    expect(code).toBe('TEXT_NAME');
    expect(message).toBe(
      'test:3:14: Add reads "foo", which nothing before it defines.\n  y = Add(x, foo)\n             ^',
    );
  });

  it('name a value that is defined twice and an output that nothing defines', () => {
    expect(caught(() => withNodes('y = Neg(x) y = Neg(x)')).code).toBe('TEXT_NAME');
    expect(caught(() => withNodes('z = Neg(x)')).code).toBe('TEXT_NAME');
  });

  it('refuse nesting that would exhaust the stack', () => {
    const deep = `g (${'seq('.repeat(20000)}float${')'.repeat(20000)} x) => () {}`;
    expect(caught(() => parseModel(deep)).code).toBe('TEXT_SYNTAX');
  });

  it('are diagnostics for any damaged text, never crashes', () => {
    const texts = fixtures.map((f) => readFileSync(new URL(f, folder), 'utf8'));
    const damage = fc.record({
      text: fc.constantFrom(...texts),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      drop: fc.nat(4),
      insert: fc.oneof(
        fc.constantFrom('<', '>', '{', '}', '[', ']', '(', '"', '\\', '@', '=', '-', '1e', '…', '#'),
        fc.string(),
      ),
    });
    fc.assert(
      fc.property(damage, ({ text, at, drop, insert }) => {
        const i = Math.floor(at * text.length);
        try {
          parseModel(text.slice(0, i) + insert + text.slice(i + drop));
        } catch (error) {
          expect(error).toBeInstanceOf(Diagnostic);
          expect((error as Diagnostic).kind).toBe('user');
        }
      }),
      { seed: 11, numRuns: 2000 },
    );
  });
});

describe('printing', () => {
  it('puts one node and one initializer on a line', () => {
    const text = `<ir_version: 8, opset_import: ["" : 17]>
mlp (float[N,2] x) => (float[N,2] y) <
  float[2,2] w = {1, 0.5, -2, 1e-07},
  float[2] b = {0, 1},
  float[N,2] h
> {
  [fc1] h = Gemm <alpha = 1.0, transB = 1> (x, w, b)
  y = Relu(h)
}
`;
    expect(printModel(parseModel(text.replace('1e-07', '0.0000001')))).toBe(text.replace('1e-07', '1e-7'));
  });

  it('indents subgraphs and puts their attributes after the inputs', () => {
    const model = withNodes(
      'c = Foo(x) y = If <then_branch = t () => (a) {a = Neg(x)}, else_branch = e () => (b) {b = Abs(x)}> (c)',
    );
    expect(printModel(model)).toBe(`${header}
g (float[N] x) => (float[N] y) {
  c = Foo(x)
  y = If(c) <
    then_branch = t () => (a) {
      a = Neg(x)
    },
    else_branch = e () => (b) {
      b = Abs(x)
    }
  >
}
`);
  });

  it('elides elements beyond maxElements and leaves out inner types when asked', () => {
    const model = parseModel(
      `${header} g () => (y) <float[3] w = {1, 2, 3}, float[3] t> {t = Neg(w) y = Neg(t)}`,
    );
    expect(printModel(model, { maxElements: 2, valueInfo: false })).toBe(
      `${header}\ng () => (y) <\n  float[3] w = {1, 2, …}\n> {\n  t = Neg(w)\n  y = Neg(t)\n}\n`,
    );
  });

  it('writes float32 numbers as numpy does: the fewest digits that read back as the same', () => {
    // Oracle: numpy.format_float_scientific(x, unique=True); 8.589973e9 lies nearer to 8.589974e9.
    const texts = [
      '0.1',
      '0.33333334',
      '1e-45',
      '3.4028235e+38',
      '16777216',
      '1.1754944e-38',
      '8.589973e+9',
      '-0',
    ];
    const printed = printModel(parseModel(`g () => () <float[8] w = {${texts.join(', ')}}> {}`));
    expect(printed).toContain(
      '{0.1, 0.33333334, 1e-45, 3.4028235e+38, 16777216, 1.1754944e-38, 8589974000, -0}',
    );
  });

  it('gives back every random model: same structure, same text', () => {
    fc.assert(
      fc.property(randomModel, (model) => {
        verifyModel(model);
        const text = printModel(model);
        const back = parseModel(text);
        verifyModel(back);
        expect(sameStructure(model, back)).toBeNull();
        expect(printModel(back)).toBe(text);
      }),
      { seed: 2024, numRuns: 1000 },
    );
  });
});

const zoo = process.env['EDGEPRESS_ZOO'];
describe.skipIf(!zoo)('real models (needs EDGEPRESS_ZOO)', () => {
  it.each([
    'cifar10-resnet/resnet20.onnx',
    'onnx-mnist/model.onnx',
    'onnx-silero-vad/silero_vad.onnx',
    'onnx-ultraface/version-RFB-320.onnx',
    'nano-gpt-sort/gpt-nano-sort.onnx',
    'onnx-ppocr/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  ])('%s is the same after printing and parsing', (file) => {
    const model = decodeModel(readFileSync(`${zoo}/models/${file}`));
    const back = parseModel(printModel(model), file);
    verifyModel(back);
    expect(sameStructure(model, back, { docs: false })).toBeNull();
  });
});
