/** Writes models in ONNX's standard textual syntax: one node, initializer or type a line, so that diffs are short.
 *  What the syntax has no words for is left out: doc strings of graphs, nodes and values, and unknown fields. */
import type { Attribute, SparseTensor } from '../../ir/attribute.ts';
import { subgraphs } from '../../ir/attribute.ts';
import { listedOutputs } from '../../ir/edit.ts';
import type { Graph, Model, ModelFunction, Node, Value } from '../../ir/model.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { withHidingNames } from '../onnx/hiding-names.ts';
import { float32Text } from './float-text.ts';
import { type PrintTensorOptions, tensorContentText, tensorTypeText, typeText } from './print-tensor.ts';
import { textFromBytes } from './text-bytes.ts';
import { attributeWords, isIdentifier, nameText, quoted, wordText } from './vocabulary.ts';

export interface PrintOptions extends PrintTensorOptions {
  /** Whether types of values inside the graph are printed. Default: yes. */
  readonly valueInfo?: boolean;
}

interface Printing extends PrintOptions {
  /** Names that values have in the file, where these aren't those in memory. */
  readonly names?: ReadonlyMap<Value, string>;
}

const nameOf = (v: Value, { names }: Printing) => nameText(names?.get(v) ?? v.name);

/** The model as text, the same for the same model. `parseModel` reads it back. */
export function printModel(model: Model, options: PrintOptions = {}): string {
  const parts = [headerText(model), graphText(model.graph, '', options)];
  for (const f of model.functions) parts.push(functionText(f, options));
  return `${parts.join('\n')}\n`;
}

/** One node and its subgraphs, as a line (or lines) of a printed model. */
export const printNode = (node: Node, options: PrintOptions = {}): string => nodeText(node, '', options);

function headerText(model: Model): string {
  const text = (key: string, value: string) => (value === '' ? [] : [`${key}: ${quoted(value)}`]);
  const more = [
    ...text('producer_name', model.producer.name),
    ...text('producer_version', model.producer.version),
    ...text('domain', model.domain),
    ...(model.modelVersion === 0n ? [] : [`model_version: ${model.modelVersion}`]),
    ...text('doc_string', model.doc),
    ...(model.metadata.size === 0 ? [] : [`metadata_props: ${metadataText(model.metadata)}`]),
  ];
  const first = [`ir_version: ${model.irVersion}`, `opset_import: ${opsetsText(model.opsets)}`];
  return more.length === 0 ? `<${first.join(', ')}>` : `<\n  ${[...first, ...more].join(',\n  ')}\n>`;
}

const opsetsText = (opsets: ReadonlyMap<string, number>) =>
  `[${Array.from(opsets, ([domain, version]) => `${quoted(domain)} : ${version}`).join(', ')}]`;

const metadataText = (metadata: ReadonlyMap<string, string>) =>
  `[${Array.from(metadata, ([k, v]) => `${quoted(k)}: ${quoted(v)}`).join(', ')}]`;

function functionText(f: ModelFunction, options: Printing): string {
  const header = [
    `domain: ${quoted(f.domain)}`,
    ...(f.overload ? [`overload: ${quoted(f.overload)}`] : []),
    `opset_import: ${opsetsText(f.opsets)}`,
    ...(f.doc ? [`doc_string: ${quoted(f.doc)}`] : []),
  ];
  const attributes = [
    ...f.attributes.map(wordText),
    ...Array.from(f.attributeDefaults, ([name, a]) => attributeText(name, a, '', options)),
  ];
  const list = attributes.length === 0 ? '' : `<${attributes.join(', ')}> `;
  const { graph } = f;
  const signature = `${list}(${ports(graph.inputs, options)}) => (${ports(graph.outputs, options)})`;
  return `<${header.join(', ')}>\n${nameText(f.name)} ${signature}${bodyText(graph, '', options)}`;
}

function graphText(graph: Graph, indent: string, options: Printing): string {
  const beside = inlineDefaults(graph);
  const inputs = graph.inputs.map((v) => {
    const port = portText(v, options);
    return beside.has(v) ? `${port} = ${tensorContentText(v.constant!, options)}` : port;
  });
  const signature = `(${inputs.join(', ')}) => (${ports(graph.outputs, options)})`;
  return `${nameText(graph.name)} ${signature}${bodyText(graph, indent, options)}`;
}

/** Defaults that stand beside their inputs: all of them, unless initializers would get into another order. */
function inlineDefaults(graph: Graph): ReadonlySet<Value> {
  const defaults = graph.inputs.filter((v) => v.constant);
  const order = [...graph.initializers];
  return new Set(defaults.every((v, i) => order[i] === v) ? defaults : []);
}

const ports = (values: readonly Value[], options: Printing) =>
  values.map((v) => portText(v, options)).join(', ');

const portText = (v: Value, options: Printing) =>
  v.type ? `${typeText(v.type)} ${nameOf(v, options)}` : nameOf(v, options);

function bodyText(graph: Graph, indent: string, options: Printing): string {
  const inner = `${indent}  `;
  const lines = [
    ...initializerTexts(graph, options),
    ...(options.valueInfo === false ? [] : valueInfoTexts(graph, options)),
  ];
  const declared = lines.length === 0 ? '' : ` <\n${inner}${lines.join(`,\n${inner}`)}\n${indent}>`;
  const nodes = graph.nodes.map((n) => `${inner}${nodeText(n, inner, options)}\n`);
  return `${declared} {\n${nodes.join('')}${indent}}`;
}

function initializerTexts(graph: Graph, options: Printing): string[] {
  const beside = inlineDefaults(graph);
  return [...graph.initializers]
    .filter((v) => !beside.has(v))
    .map((v) => {
      const t = v.constant!;
      return `${tensorTypeText(t)} ${nameOf(v, options)} = ${tensorContentText(t, options)}`;
    });
}

function valueInfoTexts(graph: Graph, options: Printing): string[] {
  const outputs = new Set(graph.outputs);
  return graph.nodes.flatMap((n) =>
    listedOutputs(n)
      .filter((v): v is Value => v?.type != null && !outputs.has(v))
      .map((v) => portText(v, options)),
  );
}

function nodeText(node: Node, indent: string, options: Printing): string {
  const name = node.name ? `[${nameText(node.name)}] ` : '';
  const outputs = listedOutputs(node)
    .map((v) => operand(v, options))
    .join(', ');
  const overload = node.overload ? `:${wordText(node.overload)}` : '';
  const head = `${name}${outputs ? `${outputs} ` : ''}= ${operatorText(node)}${overload}`;
  const call = `(${node.inputs.map((v) => operand(v, options)).join(', ')})`;
  if (node.attributes.size === 0) return `${head}${call}`;
  const inner = `${indent}  `;
  const attributes = Array.from(node.attributes, ([k, a]) => attributeText(k, a, inner, options));
  if (subgraphs(node).length === 0) return `${head} <${attributes.join(', ')}> ${call}`;
  return `${head}${call} <\n${inner}${attributes.join(`,\n${inner}`)}\n${indent}>`;
}

const operand = (v: Value | null, options: Printing) => (v ? nameOf(v, options) : '""');

function operatorText({ domain, opType }: Node): string {
  if (domain === '') return wordText(opType);
  return `${domain.split('.').every(isIdentifier) ? domain : quoted(domain)}.${wordText(opType)}`;
}

/** The type is written where the value alone does not tell it: empty lists and references. */
function attributeText(name: string, a: Attribute, indent: string, options: Printing): string {
  const typed =
    a.type === 'reference' ? a.of : Array.isArray(a.value) && a.value.length === 0 ? a.type : null;
  const label = typed ? `${wordText(name)}: ${attributeWords[typed]}` : wordText(name);
  return `${label} = ${valueText(a, indent, options)}`;
}

function valueText(a: Attribute, indent: string, options: Printing): string {
  switch (a.type) {
    case 'float':
      return floatText(a.value);
    case 'int':
      return String(a.value);
    case 'string':
      return stringText(a.value);
    case 'tensor':
      return constantText(a.value, a.name ?? '', options);
    case 'graph':
      return subgraphText(a.value, indent, options);
    case 'type':
      return typeText(a.value);
    case 'sparse':
      return sparseText(a.value, options);
    case 'floats':
      return listText(a.value, floatText);
    case 'ints':
      return listText(a.value, String);
    case 'strings':
      return listText(a.value, stringText);
    case 'tensors':
      return listText(a.value, (t) => constantText(t, '', options));
    case 'graphs':
      return listText(a.value, (g) => subgraphText(g, indent, options));
    case 'types':
      return listText(a.value, typeText);
    case 'sparses':
      return listText(a.value, (t) => sparseText(t, options));
    case 'reference':
      return `@${wordText(a.name)}`;
  }
}

const subgraphText = (graph: Graph, indent: string, options: Printing) =>
  graphText(graph, indent, { ...options, names: withHidingNames(graph, options.names) });

const listText = <T>(items: readonly T[], text: (item: T) => string) => `[${items.map(text).join(', ')}]`;

const stringText = (bytes: Uint8Array) => quoted(textFromBytes(bytes));

/** A float that cannot be read as an int: 1.0, 1e+21, inf. */
function floatText(value: number): string {
  const text = float32Text(Math.fround(value));
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** Of attributes. A place is asked for initializers only. */
function constantText(t: Tensor, name: string, options: PrintOptions): string {
  const inside = options.place !== undefined;
  const content = tensorContentText(t, inside ? { ...options, place: () => undefined } : options);
  const label = name ? ` ${nameText(name)}` : '';
  return `${tensorTypeText(t)}${label}${t.external && !inside ? ' =' : ''} ${content}`;
}

function sparseText(sparse: SparseTensor, options: PrintOptions): string {
  const { values, indices, dims, name = '' } = sparse;
  const type = typeText({ kind: 'sparse', dtype: values.dtype, shape: dims });
  const parts = `{${constantText(values, '', options)}, ${constantText(indices, '', options)}}`;
  return `${type}${name ? ` ${nameText(name)}` : ''} ${parts}`;
}
