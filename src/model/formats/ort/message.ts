/** What the tables of an .ort file say, as the message of an ONNX file. The graph is as onnxruntime optimised it when it
 *  wrote the file: fused operators stay, constants are folded. Optimisations that a runtime may still apply when it loads
 *  the file (runtimeOptimizations) change no result and are left to the runtime that loads what we write. */
import {
  ortCompiled,
  ortDamaged,
  ortOutside,
  ortSparseAttribute,
} from '../../../support/diagnostics/model-files.ts';
import {
  aligned,
  bytesField as bytes,
  int64sField as int64s,
  tablesField as list,
  tableField as table,
} from '../flatbuffers/fields.ts';
import type { FlatTable } from '../flatbuffers/schema.ts';
import { decodeText, type onnx, proto, wireInt, wireInts } from '../onnx/wire.ts';

/** @param root  InferenceSession
 *  @param file  how messages call the file
 *  @throws ORT_DAMAGED, and for what ONNX has no place for ORT_COMPILED_NODE, ORT_OUTSIDE_DATA, ORT_SPARSE_ATTRIBUTE */
export function messageOf(root: FlatTable, file: string): onnx.ModelProto {
  const model = table(root, 'model');
  const graph = model && table(model, 'graph');
  if (!model || !graph) throw ortDamaged('it holds no graph');
  const used = domainsOf(graph);
  return new proto.ModelProto({
    irVersion: integer(model, 'irVersion'),
    producerName: text(model, 'producerName'),
    producerVersion: text(model, 'producerVersion'),
    domain: text(model, 'domain'),
    modelVersion: integer(model, 'modelVersion'),
    docString: text(model, 'docString'),
    graph: { ...graphOf(graph, file), docString: text(model, 'graphDocString') },
    // onnxruntime lists every domain that it knows.
    opsetImport: list(model, 'opsetImport')
      .filter((o) => used.has(text(o, 'domain')))
      .map((o) => ({ domain: text(o, 'domain'), version: integer(o, 'version') })),
    metadataProps: list(model, 'metadataProps').map((p) => ({
      key: text(p, 'key'),
      value: text(p, 'value'),
    })),
    trainingInfo: [],
    functions: [],
  });
}

function domainsOf(graph: FlatTable): Set<string> {
  const used = new Set(['']);
  for (const node of list(graph, 'nodes')) {
    used.add(text(node, 'domain'));
    for (const attribute of list(node, 'attributes'))
      for (const inner of subgraphsOf(attribute)) for (const domain of domainsOf(inner)) used.add(domain);
  }
  return used;
}

const subgraphsOf = (attribute: FlatTable): FlatTable[] => {
  const one = table(attribute, 'g');
  return [one ?? [], list(attribute, 'graphs')].flat();
};

function graphOf(graph: FlatTable, file: string): onnx.IGraphProto {
  const described = new Map(list(graph, 'nodeArgs').map((info) => [text(info, 'name'), info]));
  const infoOf = (name: string): onnx.IValueInfoProto => {
    const info = described.get(name);
    described.delete(name);
    return info ? valueInfo(info) : { name };
  };
  const ports = { input: texts(graph, 'inputs').map(infoOf), output: texts(graph, 'outputs').map(infoOf) };
  described.delete('');
  return {
    ...ports,
    initializer: list(graph, 'initializers').map((t) => tensor(t, file)),
    sparseInitializer: list(graph, 'sparseInitializers').map((t) => ({
      values: tensor(table(t, 'values') ?? {}, file),
      indices: tensor(table(t, 'indices') ?? {}, file),
      dims: wireInts(int64s(t, 'dims')),
    })),
    node: list(graph, 'nodes').map((n) => node(n, file)),
    valueInfo: [...described.values()].map(valueInfo),
  };
}

function node(n: FlatTable, file: string): onnx.INodeProto {
  const [opType, name] = [text(n, 'opType'), text(n, 'name')];
  if (Number(n['type'] ?? 0) !== 0) throw ortCompiled(file, opType, name);
  return {
    opType,
    name,
    domain: text(n, 'domain'),
    docString: text(n, 'docString'),
    input: texts(n, 'inputs'),
    output: texts(n, 'outputs'),
    attribute: list(n, 'attributes').map((a) => attribute(a, file, `${opType} "${name}"`)),
  };
}

/** AttributeType has the numbers of AttributeProto's; 11 and 12 are sparse tensors, which the tables have no field for. */
function attribute(a: FlatTable, file: string, of: string): onnx.IAttributeProto {
  const type = Number(a['type'] ?? 0);
  if (type === 11 || type === 12) throw ortSparseAttribute(file, text(a, 'name'), of);
  const [one, graph] = [table(a, 't'), table(a, 'g')];
  return {
    name: text(a, 'name'),
    docString: text(a, 'docString'),
    type,
    f: floatOf(Number(a['f'] ?? 0)),
    i: integer(a, 'i'),
    s: bytes(a, 's'),
    t: one ? tensor(one, file) : null,
    g: graph ? graphOf(graph, file) : null,
    floats: [...new Float32Array(aligned(a, 'floats'))],
    ints: wireInts(int64s(a, 'ints')),
    strings: [...((a['strings'] ?? []) as readonly Uint8Array[])],
    tensors: list(a, 'tensors').map((t) => tensor(t, file)),
    graphs: list(a, 'graphs').map((g) => graphOf(g, file)),
  };
}

function tensor(t: FlatTable, file: string): onnx.ITensorProto {
  const name = text(t, 'name');
  if (t['externalDataOffset'] !== undefined && t['externalDataOffset'] !== -1n) throw ortOutside(file, name);
  const strings = t['stringData'] as readonly Uint8Array[] | undefined;
  return {
    name,
    docString: text(t, 'docString'),
    dims: wireInts(int64s(t, 'dims')),
    dataType: Number(t['dataType'] ?? 0),
    ...(strings ? { stringData: [...strings] } : { rawData: bytes(t, 'rawData') }),
  };
}

function valueInfo(info: FlatTable): onnx.IValueInfoProto {
  const type = table(info, 'type');
  return {
    name: text(info, 'name'),
    docString: text(info, 'docString'),
    type: type ? typeOf(type) : null,
  };
}

/** The kinds of TypeInfoValue: 1 a tensor, 2 a sequence, 3 a map. */
function typeOf(type: FlatTable): onnx.ITypeProto {
  const value = table(type, 'value') ?? {};
  const denotation = text(type, 'denotation');
  const inner = (field: string) => typeOf(table(value, field) ?? {});
  const kind = Number(type['valueType'] ?? 0);
  if (kind === 2) return { denotation, sequenceType: { elemType: inner('elemType') } };
  if (kind === 3)
    return { denotation, mapType: { keyType: Number(value['keyType'] ?? 0), valueType: inner('valueType') } };
  if (kind !== 1) return {};
  const shape = table(value, 'shape');
  return {
    denotation,
    tensorType: {
      elemType: Number(value['elemType'] ?? 0),
      shape: shape ? { dim: list(shape, 'dim').map(dimension) } : null,
    },
  };
}

/** The kinds of DimensionValue: 1 a size, 2 a name, 0 neither. */
function dimension(d: FlatTable): onnx.TensorShapeProto.IDimension {
  const value = table(d, 'value') ?? {};
  const denotation = text(d, 'denotation');
  const kind = Number(value['dimType'] ?? 0);
  if (kind === 1) return { denotation, dimValue: integer(value, 'dimValue') };
  return kind === 2 ? { denotation, dimParam: text(value, 'dimParam') } : { denotation };
}

// --- fields that .ort has in a form of its own ----------------------------------------------------------------------

const texts = (t: FlatTable, field: string) => [...((t[field] ?? []) as readonly string[])];
const integer = (t: FlatTable, field: string) => wireInt(BigInt((t[field] ?? 0n) as bigint));

function text(t: FlatTable, field: string): string {
  const value = t[field];
  return value instanceof Uint8Array ? decodeText(value) : ((value ?? '') as string);
}

/** The float whose bits an integer holds. */
const floatOf = (bits: number) => new Float32Array(Int32Array.of(bits).buffer)[0]!;
