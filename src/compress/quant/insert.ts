/** Puts QuantizeLinear / DequantizeLinear nodes into a graph, the form that every runtime's int8 path starts from. */
import { type DType, dtypes } from '../../model/ir/dtype.ts';
import { addInitializer, addNode, positionOf, replaceAllUses, setInput } from '../../model/ir/edit.ts';
import { type Graph, isGraphOutput, type Node, readers, shapeOf, type Value } from '../../model/ir/model.ts';
import { freshName } from '../../model/ir/names.ts';
import { defineNote } from '../../model/ir/note.ts';
import { scalar, type Tensor } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import type { QuantParams } from '../../model/quantization/params.ts';
import type { QuantDType } from '../../model/quantization/spec.ts';

/** Scale and zero point as initializers; several Q/DQ pairs of one group share them. */
interface ParamValues {
  readonly scale: Value;
  readonly zeroPoint: Value;
}

export function addParams(graph: Graph, base: string, params: QuantParams, dtype: QuantDType): ParamValues {
  return {
    scale: addInitializer(graph, `${base}/scale`, scalar('float32', params.scale)),
    zeroPoint: addInitializer(graph, `${base}/zero_point`, scalar(dtype, params.zeroPoint)),
  };
}

/** Quantises `source`, a value of `graph`, and gives its readers the dequantised value.
 *  @param shown the value whose readers move: `source`, or the output of a clamp after it that the range absorbs
 *  @param only when given, just these readers move (the others keep the float value); else all, graph outputs too
 *  @returns the dequantised value */
export function insertQdq(
  graph: Graph,
  source: Value,
  shown: Value,
  { scale, zeroPoint }: ParamValues,
  only: ((reader: Node) => boolean) | null,
): Value {
  const before = firstReaderPosition(graph, source, shown);
  const shape = shapeOf(shown);
  const q = addNode(
    graph,
    {
      opType: 'QuantizeLinear',
      name: `${shown.name}/quantize`,
      inputs: [source, scale, zeroPoint],
      outputs: [`${shown.name}/quantized`],
    },
    before,
  );
  noteStored(q, { kind: 'activation', of: null });
  q.outputs[0]!.type = tensorType(zeroPoint.constant!.dtype, shape);
  const dq = addNode(
    graph,
    {
      opType: 'DequantizeLinear',
      name: `${shown.name}/dequantize`,
      inputs: [q.outputs[0]!, scale, zeroPoint],
      outputs: [`${shown.name}/dequantized`],
    },
    before,
  );
  const out = dq.outputs[0]!;
  out.type = tensorType('float32', shape);
  if (only) {
    for (const reader of new Set(readers(shown)))
      if (reader !== q && only(reader))
        reader.inputs.forEach((v, i) => {
          if (v === shown) setInput(reader, i, out);
        });
  } else {
    const isOutput = isGraphOutput(shown);
    replaceAllUses(shown, out);
    // A graph output's name moved to `out`; what was quantised must not be called "dequantized".
    if (isOutput) shown.name = freshName(graph.names, `${out.name}/float`);
    setInput(q, 0, source);
  }
  return out;
}

/** What a node that quantize-static added stands for; kept on the node, and by clones of it. */
interface StoredNote {
  /** weight: integers in the type of the zero point, or int4. bias: int32 in steps of sₓ·s_w. guard: int32 of a layer that
   *  stays in float (all DequantizeLinear over a constant). activation: QuantizeLinear of a computed value. */
  readonly kind: 'weight' | 'bias' | 'guard' | 'activation';
  /** Name of the float initializer that it replaced; null for activations, and for a bias that was not there. */
  readonly of: string | null;
  /** Of a weight whose neighbours must stay within 16 bits when they are added: its axes as the kernel packs them. */
  readonly packed?: readonly number[];
}

const stored = defineNote<Node, StoredNote>('stored');
export const storedNote = stored.get;
export const noteStored = stored.set;

/** DequantizeLinear over a constant: `target`'s input `index` reads it instead of the float weight.
 *  Weights in int4 are widened to the type of the zero point first. Every runtime folds that Cast once at load, so the
 *  product gets its integer kernel; with the DequantizeLinear right on int4, onnxruntime 1.30 computes it in float at each
 *  run (bench/weight-bits.ts: a 3×3 convolution takes 3.7 times as long natively, 2.6 times on wasm).
 *  @param axis the per-channel axis, or null for one scale */
export function insertWeightDequantize(
  target: Node,
  index: number,
  stored: { readonly quantized: Value; readonly scale: Value; readonly zeroPoint: Value | null },
  axis: number | null,
): Node {
  const old = target.inputs[index]!;
  const integers = isNarrow(stored.quantized)
    ? widened(stored.quantized, stored.zeroPoint!, target)
    : stored.quantized;
  const dq = addNode(
    target.graph,
    {
      opType: 'DequantizeLinear',
      inputs: [integers, stored.scale, ...(stored.zeroPoint ? [stored.zeroPoint] : [])],
      outputs: [`${old.name}/dequantized`],
      attributes: { axis: axis ?? undefined },
    },
    target,
  );
  dq.name = dq.outputs[0]!.name;
  noteStored(dq, {
    kind: stored.quantized.constant?.dtype === 'int32' ? 'bias' : 'weight',
    of: old.name,
  });
  dq.outputs[0]!.type = tensorType('float32', shapeOf(old));
  setInput(target, index, dq.outputs[0]!);
  return dq;
}

const isNarrow = (v: Value) => v.constant?.dtype === 'int4';

function widened(quantized: Value, zeroPoint: Value, target: Node): Value {
  const known = readers(quantized).find((r) => r.opType === 'Cast' && r.graph === target.graph);
  if (known) return known.outputs[0]!;
  const { dtype } = zeroPoint.constant!;
  const name = `${quantized.name}/${dtype}`;
  const init = {
    opType: 'Cast',
    name,
    inputs: [quantized],
    outputs: [name],
    attributes: { to: dtypes[dtype].code },
  };
  const out = addNode(target.graph, init, target).outputs[0]!;
  out.type = tensorType(dtype, shapeOf(quantized));
  return out;
}

/** Cast and Mul over an int8 constant, in place of a float weight. Unlike a DequantizeLinear, every runtime folds this
 *  once at load: float speed from then on, and no rewrite into MatMulNBits or an integer kernel.
 *  @param name  of the weight; @param scale float32, shaped so that it broadcasts over the weight ([C,1,1,1] for
 *    channels on axis 0)
 *  @param dtype  of what is read: another than float32 takes a Cast more, for runtimes multiply in float32 wherever they
 *    fold
 *  @returns the float weight, to be read by `before` and, once made, by any node after it */
export function insertWeightExpand(
  name: string,
  quantized: Value,
  scale: Value,
  before: Node,
  dtype: DType = 'float32',
): Value {
  const { graph } = before;
  const add = (opType: string, inputs: Value[], suffix: string, type: DType, attributes = {}) => {
    const made = addNode(graph, { opType, inputs, outputs: [`${name}/${suffix}`], attributes }, before);
    const out = made.outputs[0]!;
    made.name = out.name;
    out.type = tensorType(type, shapeOf(quantized));
    return out;
  };
  const real = add('Cast', [quantized], 'cast', 'float32', { to: dtypes.float32.code });
  const expanded = add('Mul', [real, scale], 'expanded', 'float32');
  return dtype === 'float32' ? expanded : add('Cast', [expanded], dtype, dtype, { to: dtypes[dtype].code });
}

/** Which initializer a tensor became, graph by graph. */
const initializerOf = new WeakMap<Graph, WeakMap<Tensor, Value>>();

/** The graph's initializer for this very tensor, where it was made by a call before; a new one with a name made from `base`
 *  when it was not, or has gone since. */
export function sharedInitializer(graph: Graph, base: string, tensor: Tensor): Value {
  const made = initializerOf.get(graph) ?? new WeakMap<Tensor, Value>();
  initializerOf.set(graph, made);
  const known = made.get(tensor);
  if (known?.constant === tensor && graph.initializers.has(known)) return known;
  const value = addInitializer(graph, base, tensor);
  made.set(tensor, value);
  return value;
}

/** The node to insert before: the one after the producers of both values (the start for graph inputs). */
function firstReaderPosition(graph: Graph, source: Value, shown: Value): Node | undefined {
  const at = Math.max(...[source, shown].map((v) => (v.producer ? positionOf(graph, v.producer) : -1)));
  return graph.nodes[at + 1];
}
