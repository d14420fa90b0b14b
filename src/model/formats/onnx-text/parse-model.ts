/** Reads models in ONNX's standard textual syntax (docs/Syntax.md of the ONNX project). */
import type { Attribute } from '../../ir/attribute.ts';
import { addInput, createModel } from '../../ir/edit.ts';
import type { Model, ModelFunction, NameScope } from '../../ir/model.ts';
import { initializersOf } from '../../ir/walk.ts';
import type { TensorSource } from '../onnx/tensors.ts';
import { parseAttributeRest } from './parse-attribute.ts';
import {
  announce,
  connectOutputs,
  createFrame,
  define,
  parseDeclaration,
  parseGraph,
  parseNodes,
} from './parse-graph.ts';
import {
  createScanner,
  expect,
  failure,
  identifier,
  integer,
  list,
  peek,
  quotable,
  quotedString,
  type Scanner,
  skipSpace,
} from './scanner.ts';

/** The model that a text describes. Where the header leaves them out: ir_version 8, ai.onnx 17.
 *  Nodes must stand in topological order.
 *  @param name  stands in messages, such as the path of the text
 *  @param beside  reads tensors that lie in other files; without it they have their place, but no bytes
 *  @example
 *  const model = parseModel('<ir_version: 8, opset_import: ["" : 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }');
 *  @throws TEXT_SYNTAX with line and column, TEXT_NAME for a name that is missing or defined twice,
 *    EXTERNAL_DATA_… */
export function parseModel(text: string, name = 'model', beside: TensorSource = {}): Model {
  const s = createScanner(text, name, beside);
  const header = parseHeader(s, modelKeys);
  const model = createModel({
    irVersion: Number(header.numbers.get('ir_version') ?? 8n),
    opsets: header.opsets ?? new Map([['', 17]]),
    producer: {
      name: header.texts.get('producer_name') ?? '',
      version: header.texts.get('producer_version') ?? '',
    },
    domain: header.texts.get('domain') ?? '',
    modelVersion: header.numbers.get('model_version') ?? 0n,
    doc: header.texts.get('doc_string') ?? '',
    metadata: header.metadata,
  });
  model.graph = parseGraph(s, model.names, null);
  while (peek(s) !== '') model.functions.push(parseFunction(s, model.names));
  // As in the binary reader: before IR version 4 every initializer had to be an input, and nobody overrides them.
  if (model.irVersion < 4) for (const { value } of initializersOf(model)) value.overridable = false;
  return model;
}

type HeaderKind = 'number' | 'text' | 'opsets' | 'metadata';

const modelKeys: Readonly<Record<string, HeaderKind>> = {
  ir_version: 'number',
  opset_import: 'opsets',
  producer_name: 'text',
  producer_version: 'text',
  domain: 'text',
  model_version: 'number',
  doc_string: 'text',
  metadata_props: 'metadata',
};

const functionKeys: Readonly<Record<string, HeaderKind>> = {
  opset_import: 'opsets',
  domain: 'text',
  overload: 'text',
  doc_string: 'text',
};

interface Header {
  readonly numbers: Map<string, bigint>;
  readonly texts: Map<string, string>;
  readonly metadata: Map<string, string>;
  opsets: Map<string, number> | null;
}

function parseHeader(s: Scanner, keys: Readonly<Record<string, HeaderKind>>): Header {
  const header: Header = { numbers: new Map(), texts: new Map(), metadata: new Map(), opsets: null };
  if (peek(s) !== '<') return header;
  list(s, '<', '>', 'a property', () => {
    skipSpace(s);
    const start = s.at;
    const expected = `a property (${Object.keys(keys).join(', ')})`;
    const key = identifier(s, expected);
    if (!Object.hasOwn(keys, key)) throw failure(s, expected, start);
    expect(s, ':', `after ${key}`);
    parseProperty(s, header, key, keys[key]!);
  });
  return header;
}

function parseProperty(s: Scanner, header: Header, key: string, kind: HeaderKind): void {
  if (kind === 'number')
    header.numbers.set(key, integer(s, `a number for ${key}`, -(2n ** 63n), 2n ** 63n - 1n));
  else if (kind === 'text') header.texts.set(key, quotedString(s, `a quoted text for ${key}`));
  else if (kind === 'opsets') header.opsets = new Map(parsePairs(s, key, () => parseVersion(s)));
  else
    for (const [k, v] of parsePairs(s, key, () => quotedString(s, 'a quoted value')))
      header.metadata.set(k, v);
}

const parsePairs = <T>(s: Scanner, what: string, value: () => T): (readonly [string, T])[] =>
  list(s, '[', ']', `an entry of ${what}`, () => {
    const key = quotedString(s, 'a quoted key');
    expect(s, ':', 'after the key');
    return [key, value()] as const;
  });

const parseVersion = (s: Scanner) => Number(integer(s, 'an opset version', 0n, 2n ** 31n));

function parseFunction(s: Scanner, names: NameScope): ModelFunction {
  const header = parseHeader(s, functionKeys);
  const name = quotable(s, 'the name of a function, or the end of the text');
  const attributes: string[] = [];
  const attributeDefaults = new Map<string, Attribute>();
  const noGraphs = {
    graph: () => {
      throw failure(s, 'a default value that is not a graph');
    },
    defaults: attributeDefaults,
  };
  if (peek(s) === '<')
    list(s, '<', '>', 'an attribute of a function', () => {
      const attribute = quotable(s, 'an attribute name');
      if (/[:=]/.test(peek(s))) attributeDefaults.set(attribute, parseAttributeRest(s, noGraphs));
      else attributes.push(attribute);
    });
  const frame = createFrame(names, name, null, attributeDefaults);
  const inputs = list(s, '(', ')', 'an input', () => parseDeclaration(s));
  for (const { at, type, name: input } of inputs) addInput(frame.graph, define(s, frame, input, type, at));
  expect(s, '=>', 'after the inputs of a function');
  const outputs = list(s, '(', ')', 'an output', () => parseDeclaration(s));
  announce(frame, outputs);
  if (peek(s) === '<')
    announce(
      frame,
      list(s, '<', '>', 'a type', () => parseDeclaration(s)),
    );
  for (const value of frame.graph.inputs) value.type ??= frame.types.get(value.name) ?? null;
  parseNodes(s, frame);
  connectOutputs(s, frame, outputs);
  return {
    name,
    domain: header.texts.get('domain') ?? '',
    overload: header.texts.get('overload') ?? '',
    doc: header.texts.get('doc_string') ?? '',
    opsets: header.opsets ?? new Map(),
    attributes,
    attributeDefaults,
    graph: frame.graph,
    notes: new Map(),
  };
}
