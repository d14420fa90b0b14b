/** The graphs as the tables of a .tflite file. */
import { tfliteDimension, tfliteTooLarge } from '../../../../support/diagnostics/tflite-writing.ts';
import { formatBytes } from '../../../../support/units.ts';
import { version } from '../../../../support/version.ts';
import type { FlatTable } from '../../flatbuffers/schema.ts';
import { writeFlatbuffer } from '../../flatbuffers/write.ts';
import { builtinOperators, tensorTypes } from '../codes.ts';
import { optionTables } from '../options.ts';
import { tfliteSchema } from '../schema.ts';
import type { LiteGraph, LiteOperator, LitePort, LiteTensor } from './graph.ts';
import { bigints, floats, integers } from './vectors.ts';
import { versionOf } from './versions.ts';

/** The version of the format that runtimes since 2017 read. */
const formatVersion = 3;

/** FlatBuffers have offsets of 31 bits. */
const largest = 2 ** 31 - 1;

/** The call that LiteRT's interpreters offer by default. */
const signatureKey = 'serving_default';

/** Codes beyond 127 stand in a field of their own; the older field says so. */
const olderField = 127;

/** @param graph  the first; those of its branches and bodies follow
 *  @param metadata  contents by name @throws TFLITE_TOO_LARGE */
export function serialize(graph: LiteGraph, metadata: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const graphs = graphsOf(graph);
  const buffers = createBuffers();
  const codes = createCodes();
  const subgraphs = [...graphs.keys()].map((g) => graphTable(g, graphs, buffers, codes));
  const about = [...metadata].map(([name, content]) => ({ name, buffer: buffers.put(content) }));
  const bytes = buffers.size();
  if (bytes > largest) throw tfliteTooLarge(formatBytes(bytes));
  const tensors = tensorsOf(graph);
  const named = (list: readonly LitePort[]) =>
    list.map(({ name, tensor }): FlatTable => ({ name, tensorIndex: tensors.get(tensor)! }));
  const model: FlatTable = {
    version: formatVersion,
    operatorCodes: codes.tables,
    subgraphs,
    description: `edgepress ${version}`,
    buffers: buffers.tables,
    metadata: about,
    signatureDefs: [
      { inputs: named(graph.inputs), outputs: named(graph.outputs), signatureKey, subgraphIndex: 0 },
    ],
  };
  return writeFlatbuffer(model, tfliteSchema, Math.min(largest, Math.ceil(bytes * 1.05) + (1 << 18)));
}

function graphTable(
  graph: LiteGraph,
  graphs: ReadonlyMap<LiteGraph, number>,
  buffers: ReturnType<typeof createBuffers>,
  codes: ReturnType<typeof createCodes>,
): FlatTable {
  const all = tensorsOf(graph);
  const tensors = [...all.keys()].map((t) => tensorTable(t, buffers.add(t)));
  const numbersOf = (list: readonly (LiteTensor | null)[]) =>
    integers(list.map((t) => (t ? all.get(t)! : -1)));
  const operators = graph.operators.map((o): FlatTable => {
    const inputs = numbersOf(o.inputs);
    return {
      ...{ opcodeIndex: codes.index(o), inputs, outputs: numbersOf(o.outputs) },
      ...optionsOf(o, graphs),
    };
  });
  const ports = (list: readonly LitePort[]) => numbersOf(list.map(({ tensor }) => tensor));
  return { tensors, operators, name: graph.name, inputs: ports(graph.inputs), outputs: ports(graph.outputs) };
}

function optionsOf({ options }: LiteOperator, numbers: ReadonlyMap<LiteGraph, number>): FlatTable {
  if (!options) return {};
  const [table, values, graphs = {}] = options;
  const called = Object.entries(graphs).map(([field, graph]) => [field, numbers.get(graph)!] as const);
  return {
    builtinOptionsType: optionTables.indexOf(table),
    builtinOptions: { ...values, ...Object.fromEntries(called) },
  };
}

/** All graphs with their numbers: one before those that it calls. */
function graphsOf(main: LiteGraph): Map<LiteGraph, number> {
  const all = new Map<LiteGraph, number>();
  const add = (graph: LiteGraph) => {
    all.set(graph, all.size);
    for (const { options } of graph.operators)
      for (const called of Object.values(options?.[2] ?? {})) add(called);
  };
  add(main);
  return all;
}

/** All tensors with their numbers: inputs first, then in the order in which operators name them. */
function tensorsOf({ inputs, outputs, operators }: LiteGraph): Map<LiteTensor, number> {
  const all = new Map<LiteTensor, number>();
  const add = (t: LiteTensor | null) => {
    if (t && !all.has(t)) all.set(t, all.size);
  };
  for (const { tensor } of inputs) add(tensor);
  for (const o of operators) for (const t of [...o.inputs, ...o.outputs]) add(t);
  for (const { tensor } of outputs) add(tensor);
  return all;
}

function tensorTable(tensor: LiteTensor, buffer: number): FlatTable {
  const { name, type, shape, quantization, signature } = tensor;
  if (shape.some((d) => d > largest)) throw tfliteDimension(name, `[${shape.join()}]`);
  const table = {
    ...{ shape: integers(shape), type: tensorTypes.indexOf(type), buffer, name, hasRank: 1 },
    ...(signature && { shapeSignature: integers(signature) }),
  };
  if (!quantization) return table;
  const { scale, zeroPoint, axis } = quantization;
  return {
    ...table,
    quantization: { scale: floats(scale), zeroPoint: bigints(zeroPoint), quantizedDimension: axis },
  };
}

/** Buffer 0 is the one without content. Equal constants are stored once. */
function createBuffers() {
  const tables: FlatTable[] = [{}];
  const seen = new Map<string, { readonly bytes: Uint8Array; readonly at: number }[]>();
  let total = 0;
  const put = (bytes: Uint8Array): number => {
    const key = `${bytes.length}/${digest(bytes)}`;
    const found = seen.get(key) ?? [];
    const same = found.find((other) => equal(other.bytes, bytes));
    if (same) return same.at;
    const at = tables.push({ data: bytes }) - 1;
    seen.set(key, [...found, { bytes, at }]);
    total += bytes.length + 16;
    return at;
  };
  return { tables, put, add: ({ data }: LiteTensor) => (data ? put(data()) : 0), size: () => total };
}

const equal = (a: Uint8Array, b: Uint8Array) => a.every((byte, i) => byte === b[i]);

/** FNV-1a over samples: weights that differ mostly differ there. */
function digest(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  const step = Math.max(1, Math.floor(bytes.length / 4096));
  for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}

/** One entry for each operator and version. */
function createCodes() {
  const tables: FlatTable[] = [];
  const known = new Map<string, number>();
  return {
    tables,
    index(operator: LiteOperator): number {
      const code = builtinOperators.indexOf(operator.op);
      const version = versionOf(operator);
      const key = `${code}/${version}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      known.set(key, tables.length);
      tables.push({ deprecatedBuiltinCode: Math.min(code, olderField), version, builtinCode: code });
      return tables.length - 1;
    },
  };
}
