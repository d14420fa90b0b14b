/** What can be said about a model without running it: sizes, counts, ports, and what looks wrong or unusual. */
import { intAttribute, subgraphs } from '../../model/ir/attribute.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import { dtypes } from '../../model/ir/dtype.ts';
import { type Graph, type Model, type Node, opKey, type Value } from '../../model/ir/model.ts';
import { elementCount, sizeBytes, type Tensor, typedArray } from '../../model/ir/tensor.ts';
import { formatType } from '../../model/ir/type.ts';
import { constantsOf, graphsOf, nodesOf } from '../../model/ir/walk.ts';
import { inferShapes } from '../../model/ops/shapes.ts';
import { notANumber } from '../../support/diagnostics/quantization.ts';
import { Diagnostic } from '../../support/diagnostics.ts';

/** What the model alone does not tell: about its file, and the cost that shape inference finds. */
export interface FileFacts {
  file: string;
  sha256: string;
  sizeBytes: number;
  gzipBytes: number | null;
  brotliBytes: number | null;
  brotliQuality?: number | undefined;
  /** Of a run; null when shapes don't allow it. */
  macs: number | null;
  /** What was taken as 1 for it; absent where nothing was. */
  macsAssumed?: { sizes: string[]; onData: boolean } | undefined;
}

export interface ModelSummary extends FileFacts {
  /** Elements of all constants but int64, uint64, bool and string ones, which hold shapes and indices. */
  parameters: number;
  /** Subgraphs included, function bodies not. */
  nodes: number;
  opset: number;
  producer: string;
  inputs: { name: string; type: string }[];
  outputs: { name: string; type: string }[];
  /** Bytes of all constants by element type. */
  weightBytes: Record<string, number>;
  /** Number of nodes by op type, the most frequent first. */
  ops: Record<string, number>;
}

export function modelFacts(model: Model, extra: FileFacts): ModelSummary {
  const weightBytes: Record<string, number> = {};
  let parameters = 0;
  for (const { tensor } of constantsOf(model)) {
    weightBytes[tensor.dtype] = (weightBytes[tensor.dtype] ?? 0) + sizeBytes(tensor);
    if (isWeight(tensor)) parameters += elementCount(tensor.dims);
  }
  const nodes = [...nodesOf(model)];
  for (const [tensor, bits] of new Map(nodes.flatMap(packedWeight)))
    parameters += elementCount(tensor.dims) * (8 / bits - 1);
  const port = (v: Value) => ({ name: v.name, type: formatType(v.type) });
  return {
    ...extra,
    parameters,
    nodes: nodes.length,
    opset: model.opsets.get('') ?? model.opsets.get('ai.onnx') ?? 0,
    producer: `${model.producer.name} ${model.producer.version}`.trim(),
    inputs: model.graph.inputs.filter((v) => !v.constant).map(port),
    outputs: model.graph.outputs.map(port),
    weightBytes,
    ops: histogram(nodes.map(opKey)),
  };
}

const isWeight = ({ dtype }: Tensor) => !['int64', 'uint64', 'bool', 'string'].includes(dtype);

/** The bytes that hold several weights each, and bits a weight. */
function packedWeight(node: Node): [Tensor, number][] {
  const index = ['com.microsoft:GatherBlockQuantized', 'com.microsoft:MatMulNBits'].indexOf(opKey(node));
  const tensor = index < 0 ? null : node.inputs[index]?.constant;
  return tensor?.dtype === 'uint8' ? [[tensor, intAttribute(node, 'bits', 4)]] : [];
}

/** Occurrences by text, the most frequent first, equal ones by name. */
function histogram(texts: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const t of texts) counts.set(t, (counts.get(t) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

export interface ModelProblems {
  /** Why no command takes the model: an attribute that its operator doesn't allow, functions that call themselves. */
  refused: string | null;
  /** Float constants with NaN or infinities. A mask of -inf is usual in attention; NaN never is. */
  nonFinite: { name: string; nan: number; infinite: number; elements: number }[];
  /** Names of initializers that nothing reads. */
  unusedInitializers: string[];
  /** Ops outside the domains that onnxruntime has, and not defined by the model's own functions, with their number. */
  unknownOps: Record<string, number>;
  /** Ops with subgraphs (If, Loop, Scan), with their number. */
  controlFlow: Record<string, number>;
  /** Free dimensions of the model's inputs; axis null: even the rank is unknown. */
  dynamicDims: { input: string; axis: number | null; symbol: string | null }[];
}

/** Reads the bytes of every float constant. */
export function findProblems(model: Model): ModelProblems {
  const nodes = [...nodesOf(model)];
  return {
    refused: refusalOf(model),
    nonFinite: nonFinite(model),
    unusedInitializers: [...graphsOf(model)].flatMap(unusedIn),
    unknownOps: histogram(nodes.filter((n) => !isKnown(model, n)).map(opKey)),
    controlFlow: histogram(nodes.filter((n) => subgraphs(n).length > 0).map(opKey)),
    dynamicDims: model.graph.inputs.filter((v) => !v.constant).flatMap(freeDims),
  };
}

function refusalOf(model: Model): string | null {
  try {
    inferShapes(cloneModel(model));
    return null;
  } catch (error) {
    if (error instanceof Diagnostic) return error.message;
    throw error;
  }
}

const nonFinite = (model: Model): ModelProblems['nonFinite'] =>
  constantsOf(model).flatMap(({ name, tensor }) => {
    const found = countNonFinite(tensor);
    return found.nan + found.infinite === 0 ? [] : [{ name, ...found, elements: elementCount(tensor.dims) }];
  });

const unusedIn = (graph: Graph) =>
  Array.from(graph.initializers)
    .filter((v) => v.uses.length === 0)
    .map((v) => v.name);

const knownDomains = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
  'com.ms.internal.nhwc',
]);

const isKnown = (model: Model, node: Node) =>
  knownDomains.has(node.domain) ||
  model.functions.some((f) => f.domain === node.domain && f.name === node.opType);

function freeDims(v: Value): ModelProblems['dynamicDims'] {
  if (v.type?.kind !== 'tensor') return [];
  if (v.type.shape === null) return [{ input: v.name, axis: null, symbol: null }];
  return v.type.shape.flatMap((d, axis) =>
    typeof d === 'number' ? [] : [{ input: v.name, axis, symbol: d }],
  );
}

/** NaN and infinities of a float16, bfloat16, float32 or float64 tensor, counted by their bit patterns. */
export function countNonFinite(t: Tensor): { nan: number; infinite: number } {
  if (dtypes[t.dtype].kind !== 'float' || dtypes[t.dtype].bits < 16) return { nan: 0, infinite: 0 };
  const values = typedArray(t);
  // In the half types the exponent's bits all set mean infinity (no other bits) or NaN.
  const exponent = t.dtype === 'float16' ? 0x7c00 : 0x7f80;
  const half = values instanceof Uint16Array;
  let nan = 0;
  let infinite = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (half ? (v & exponent) !== exponent : Number.isFinite(v)) continue;
    if (half ? (v & 0x7fff) === exponent : !Number.isNaN(v)) infinite++;
    else nan++;
  }
  return { nan, infinite };
}

/** @throws WEIGHTS_NOT_FINITE for a model that is broken already */
export function rejectBroken(model: Model): void {
  const nan = nonFinite(model)
    .filter((c) => c.nan > 0)
    .map((c) => c.name);
  if (nan.length > 0) throw notANumber(nan);
}
