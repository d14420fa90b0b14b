/** The tables of onnxruntime's ORT format, in the order of their slots; null is a slot no longer used. Facts from
 *  onnxruntime/core/flatbuffers/schema/ort.fbs (format version 6).
 *  Field types: '1', '4', '8' numbers of so many bytes; 'v4', 'v8', 'v12' vectors of them (12: a struct of three);
 *  'raw' tensor bytes; 'text' and '[text]'; 'bytes' and '[bytes]' strings that need not be text; otherwise a table. */
export const tables = {
  InferenceSession: {
    ortVersion: 'text',
    model: 'Model',
    sessionState: null,
    kernelTypeStrResolver: 'KernelTypeStrResolver',
  },
  Model: {
    irVersion: '8',
    opsetImport: '[OperatorSetId]',
    producerName: 'text',
    producerVersion: 'text',
    domain: 'text',
    modelVersion: '8',
    docString: 'bytes',
    graph: 'Graph',
    graphDocString: 'bytes',
    metadataProps: '[StringStringEntry]',
  },
  OperatorSetId: { domain: 'text', version: '8' },
  StringStringEntry: { key: 'text', value: 'bytes' },
  Graph: {
    initializers: '[Tensor]',
    nodeArgs: '[ValueInfo]',
    nodes: '[Node]',
    maxNodeIndex: '4',
    nodeEdges: '[NodeEdge]',
    inputs: '[text]',
    outputs: '[text]',
    sparseInitializers: '[SparseTensor]',
    runtimeOptimizations: 'RuntimeOptimizations',
  },
  Tensor: {
    name: 'text',
    docString: 'bytes',
    dims: 'v8',
    dataType: '4',
    rawData: 'raw',
    stringData: '[bytes]',
    externalDataOffset: '8',
  },
  SparseTensor: { values: 'Tensor', indices: 'Tensor', dims: 'v8' },
  ValueInfo: { name: 'text', docString: 'bytes', type: 'TypeInfo' },
  /** The union's kind (1 tensor, 2 sequence, 3 map) says which table `value` is. */
  TypeInfo: { denotation: 'text', valueType: '1', value: 'union' },
  TensorTypeAndShape: { elemType: '4', shape: 'Shape' },
  SequenceType: { elemType: 'TypeInfo' },
  MapType: { keyType: '4', valueType: 'TypeInfo' },
  Shape: { dim: '[Dimension]' },
  Dimension: { value: 'DimensionValue', denotation: 'text' },
  DimensionValue: { dimType: '1', dimValue: '8', dimParam: 'text' },
  Node: {
    name: 'text',
    docString: 'bytes',
    domain: 'text',
    sinceVersion: '4',
    index: '4',
    opType: 'text',
    type: '4',
    executionProviderType: 'text',
    inputs: '[text]',
    outputs: '[text]',
    attributes: '[Attribute]',
    inputArgCounts: 'v4',
    implicitInputs: '[text]',
  },
  NodeEdge: { nodeIndex: '4', inputEdges: 'v12', outputEdges: 'v12' },
  Attribute: {
    name: 'text',
    docString: 'bytes',
    type: '4',
    f: '4',
    i: '8',
    s: 'bytes',
    t: 'Tensor',
    g: 'Graph',
    floats: 'v4',
    ints: 'v8',
    strings: '[bytes]',
    tensors: '[Tensor]',
    graphs: '[Graph]',
  },
  RuntimeOptimizations: { records: '[RuntimeOptimizationRecordContainerEntry]' },
  RuntimeOptimizationRecordContainerEntry: {
    optimizerName: 'text',
    runtimeOptimizationRecords: '[RuntimeOptimizationRecord]',
  },
  RuntimeOptimizationRecord: {
    actionId: 'text',
    nodesToOptimizeIndices: 'NodesToOptimizeIndices',
    producedNodes: null,
    producedOpIds: '[text]',
  },
  NodesToOptimizeIndices: {
    nodeIndices: 'v4',
    numInputs: '4',
    numOutputs: '4',
    hasVariadicInput: '1',
    hasVariadicOutput: '1',
    numVariadicInputs: '4',
    numVariadicOutputs: '4',
  },
  KernelTypeStrResolver: { opKernelTypeStrArgs: '[OpIdKernelTypeStrArgsEntry]' },
  OpIdKernelTypeStrArgsEntry: { opId: 'text', kernelTypeStrArgs: '[KernelTypeStrArgsEntry]' },
  KernelTypeStrArgsEntry: { kernelTypeStr: 'text', args: '[ArgTypeAndIndex]' },
  ArgTypeAndIndex: { argType: '1', index: '4' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string | null>>>>;

export type TableName = keyof typeof tables;

export const unionTables: readonly (TableName | undefined)[] = [
  undefined,
  'TensorTypeAndShape',
  'SequenceType',
  'MapType',
];

/** Lists that onnxruntime writes in the order of a hash table, another in each run, and the field that names an entry.
 *  (Entries of the kernel type resolver are looked up by bisection: they must be in order.) */
export const sortedBy: Partial<Record<TableName, string>> = {
  OperatorSetId: 'domain',
  StringStringEntry: 'key',
  Tensor: 'name',
  ValueInfo: 'name',
  Attribute: 'name',
  RuntimeOptimizationRecordContainerEntry: 'optimizerName',
  OpIdKernelTypeStrArgsEntry: 'opId',
  KernelTypeStrArgsEntry: 'kernelTypeStr',
};

/** What a slot holds: a scalar's bits, text, bytes of a vector or string, a table, or a list. Absent slots stay absent. */
export type OrtValue = number | bigint | string | Uint8Array | OrtTable | readonly OrtValue[];
export type OrtTable = { readonly [field: string]: OrtValue | undefined };

/** ValueInfo and Tensor are sorted in the graph's own lists only; tensors of an attribute are in the user's order. */
export const keepsOrder = (table: TableName, field: string) => table === 'Attribute' && field === 'tensors';

/** Name of the table in a field type such as '[Node]' or 'Node'; null for anything else. */
export function tableOf(type: string): TableName | null {
  const name = type.replace(/^\[(.*)\]$/, '$1');
  return Object.hasOwn(tables, name) ? (name as TableName) : null;
}

export const slotsOf = (table: TableName) => Object.entries(tables[table]) as [string, string | null][];
