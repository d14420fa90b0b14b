/** The configuration that a reduced build of onnxruntime takes (--include_ops_by_config): which operators, of which
 *  opset, and for operators whose kernels are large which element types. Read from .ort files, since these hold the
 *  graph that will run, with the operators that the optimiser fused.
 *  Lines are `domain;opset;Op,Op{"inputs": {"0": ["float"]}}`. Source: onnxruntime docs, "Reduced operator config
 *  file"; the same lines as its convert_onnx_models_to_ort.py --enable_type_reduction. */

import type { FlatTable, FlatValue } from '../../model/formats/flatbuffers/schema.ts';
import { readOrt } from '../../model/formats/ort/read.ts';
import { cppType, type TypeTrack, trackOf } from './operator-types.ts';

/** @param models  .ort files that the build must run; the result holds the union
 *  @param names  of the models, for the comment at the top
 *  @param types  element types too, for a build with --enable_reduced_operator_type_support
 *  @throws ORT_DAMAGED */
export function requiredOperators(
  models: readonly Uint8Array[],
  names: readonly string[] = [],
  types = true,
): string {
  const found: Found = { operators: new Map(), types: new Map() };
  for (const model of models) collectGraph(graphOf(readOrt(model)), new Map(), found);
  const lines = [...found.operators.values()]
    .sort((a, b) => order(a.domain, b.domain) || a.opset - b.opset)
    .map(({ domain, opset, names }) => {
      const entries = [...names].sort(order).map((name) => {
        const used = types ? found.types.get(`${domain}:${name}`) : undefined;
        return `${name}${used ? typeEntry(used) : ''}`;
      });
      return `${domain};${opset};${entries.join(',')}`;
    });
  const head = names.length > 0 ? ['# Generated from model/s:', ...names.map((name) => `# - ${name}`)] : [];
  return `${[...head, ...lines].join('\n')}\n`;
}

interface Found {
  /** By domain and opset. */
  readonly operators: Map<string, { domain: string; opset: number; names: Set<string> }>;
  /** By domain:operator, all opsets together: so the build script wants it. */
  readonly types: Map<string, UsedTypes>;
}

interface UsedTypes {
  readonly track: TypeTrack;
  readonly inputs: Map<number, Set<string>>;
  readonly outputs: Map<number, Set<string>>;
  /** Of operators whose kernel is chosen by several types at once; joined by tabs. */
  readonly together: Set<string>;
}

type TypeOf = ReadonlyMap<string, string>;

function collectGraph(graph: FlatTable, outer: TypeOf, found: Found): void {
  const typeOf = new Map(outer);
  for (const value of list(graph['nodeArgs']))
    typeOf.set(text(value['name']), cppType(value['type'] as FlatTable));
  for (const node of list(graph['nodes'])) {
    const domain = text(node['domain']) || 'ai.onnx';
    const name = text(node['opType']);
    const opset = Number(node['sinceVersion'] ?? 0);
    const key = `${domain};${opset}`;
    const line = found.operators.get(key) ?? { domain, opset, names: new Set() };
    found.operators.set(key, line);
    line.names.add(name);
    collectTypes(node, `${domain}:${name}`, typeOf, found);
    for (const attribute of list(node['attributes'])) {
      const inner = [attribute['g'] as FlatTable | undefined, ...list(attribute['graphs'])];
      for (const graph of inner) if (graph) collectGraph(graph, typeOf, found);
    }
  }
}

function collectTypes(node: FlatTable, key: string, typeOf: TypeOf, found: Found): void {
  const track = trackOf(key);
  if (!track) return;
  const used = found.types.get(key) ?? {
    track,
    inputs: new Map(),
    outputs: new Map(),
    together: new Set<string>(),
  };
  found.types.set(key, used);
  const inputs = strings(node['inputs']).map((name) => typeOf.get(name));
  const outputs = strings(node['outputs']).map((name) => typeOf.get(name));
  if (track.together) used.together.add(track.together.map((i) => inputs[i]).join('\t'));
  note(used.inputs, track.inputs, inputs);
  note(used.outputs, track.outputs, outputs);
}

function note(into: Map<number, Set<string>>, tracked: readonly number[], types: (string | undefined)[]) {
  for (const i of tracked) {
    const type = types[i];
    if (type) into.set(i, (into.get(i) ?? new Set()).add(type));
  }
}

/** JSON with a space after commas and colons, as Python writes it: files compare equal. */
function typeEntry(used: UsedTypes): string {
  if (used.together.size > 0) {
    const rows = [...used.together].sort(order).map((row) => array(row.split('\t')));
    return `{"custom": [${rows.join(', ')}]}`;
  }
  const side = (name: string, types: Map<number, Set<string>>) =>
    types.size === 0
      ? []
      : [
          `"${name}": {${[...types]
            .sort(([a], [b]) => a - b)
            .map(([i, set]) => `"${i}": ${array([...set].sort(order))}`)
            .join(', ')}}`,
        ];
  const sides = [...side('inputs', used.inputs), ...side('outputs', used.outputs)];
  return sides.length > 0 ? `{${sides.join(', ')}}` : '';
}

const array = (values: readonly string[]) => `[${values.map((value) => `"${value}"`).join(', ')}]`;

const graphOf = (root: FlatTable) => ((root['model'] as FlatTable)['graph'] ?? {}) as FlatTable;
const list = (value: FlatValue | undefined) => (value ?? []) as readonly FlatTable[];
const strings = (value: FlatValue | undefined) => (value ?? []) as readonly string[];
const text = (value: FlatValue | undefined) => (typeof value === 'string' ? value : '');

/** By code units, the same on every machine. */
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
