/** A graph as the JSON that TensorFlow.js loads: GraphDef with names, attributes in protobuf's JSON form, the manifest of
 *  the weights.
 *  Source: tfjs-core/src/io/types.ts, tfjs-converter/src/operations/operation_mapper.ts. */
import type { Shape } from '../../../ir/type.ts';
import {
  controlPort,
  type Ref,
  type TfAttribute,
  type TfFunction,
  type TfNode,
  type TfType,
  type WeightData,
} from './graph.ts';

const typeNames: Readonly<Record<TfType, string>> = {
  float32: 'DT_FLOAT',
  int32: 'DT_INT32',
  bool: 'DT_BOOL',
};

export const typeName = (dtype: TfType): string => typeNames[dtype];

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Only what a base64 of ASCII needs. */
const base64 = (text: string): string => btoa(text);

const shapeJson = (shape: Shape | null): Json =>
  shape
    ? { dim: shape.map((d) => ({ size: String(typeof d === 'number' ? d : -1) })) }
    : { unknownRank: true };

function attributeJson(a: TfAttribute): Json {
  if ('type' in a) return { type: typeNames[a.type] };
  if ('int' in a) return { i: String(a.int) };
  if ('float' in a) return { f: a.float };
  if ('bool' in a) return { b: a.bool };
  if ('text' in a) return { s: base64(a.text) };
  if ('ints' in a) return { list: { i: a.ints.map(String) } };
  if ('texts' in a) return { list: { s: a.texts.map(base64) } };
  if ('shape' in a) return { shape: shapeJson(a.shape) };
  return { func: { name: a.call } };
}

export interface Names {
  /** The node's name, made from its hint when it is asked for first. */
  of(node: TfNode): string;
  /** A name that nothing has yet, in TensorFlow's characters. */
  fresh(hint: string): string;
}

export function createNames(): Names {
  const taken = new Set<string>();
  const names = new Map<TfNode, string>();
  const fresh = (hint: string) => {
    const clean = hint.replace(/[^A-Za-z0-9_.\\/-]/g, '_').replace(/^[^A-Za-z0-9.]+/, '') || 'node';
    let name = clean;
    for (let i = 1; taken.has(name); i++) name = `${clean}_${i}`;
    taken.add(name);
    return name;
  };
  return {
    fresh,
    of(node) {
      const name = names.get(node) ?? fresh(node.hint);
      names.set(node, name);
      return name;
    },
  };
}

export function refName({ node, port }: Ref, names: Names): string {
  const name = names.of(node);
  if (port === controlPort) return `^${name}`;
  return port === 0 ? name : `${name}:${port}`;
}

/** A node of GraphDef. */
export function nodeJson(node: TfNode, names: Names): Json {
  const own = node.weight
    ? { dtype: { type: typeNames[node.weight.dtype] }, value: constValue(node.weight) }
    : Object.fromEntries(Object.entries(node.attributes).map(([key, a]) => [key, attributeJson(a)]));
  const [first] = node.inputs;
  const type = first && !node.weight && !('T' in own) ? { T: { type: typeNames[first.dtype] } } : {};
  return {
    name: names.of(node),
    op: node.op,
    ...(node.inputs.length > 0 ? { input: node.inputs.map((ref) => refName(ref, names)) } : {}),
    attr: { ...type, ...own },
  };
}

/** Shape and type; the elements stand in the weights. */
const constValue = ({ dtype, dims }: WeightData): Json => ({
  tensor: { dtype: typeNames[dtype], tensorShape: shapeJson(dims) },
});

/** A function of the library. */
export function functionJson(fn: TfFunction, names: Names): Json {
  const args = (refs: readonly Ref[]) =>
    refs.map((ref) => ({ name: refName(ref, names), type: typeNames[ref.dtype] }));
  return {
    signature: { name: fn.name, inputArg: args(fn.inputs), outputArg: args(fn.outputs) },
    nodeDef: fn.graph.nodes.filter((node) => node.op !== 'Placeholder').map((node) => nodeJson(node, names)),
    ret: Object.fromEntries(fn.outputs.map((ref) => [refName(ref, names), refName(ref, names)])),
  };
}

/** An entry of the manifest. */
export function weightJson(name: string, weight: WeightData): Json {
  const stored = quantization(weight);
  return {
    ...{ name, shape: [...weight.dims], dtype: weight.dtype },
    ...(stored ? { quantization: { ...stored, original_dtype: weight.dtype } } : {}),
  };
}

function quantization(weight: WeightData) {
  if (weight.stored === 'plain') return null;
  if (weight.stored === 'float16') return { dtype: weight.stored };
  return { dtype: weight.stored, scale: weight.scale, min: weight.min };
}

/** An input or output of the signature. */
export const portJson = (name: string, dtype: TfType, shape: Shape | null): Json => ({
  name,
  dtype: typeNames[dtype],
  tensorShape: shapeJson(shape),
});
