/** Writes composite operators out in simpler ones (lowerings/), in place, until no lowering applies. */
import { addInput, createValue, removeNode, replaceAllUses } from '../../model/ir/edit.ts';
import { type Model, type Node, opKey, type Value } from '../../model/ir/model.ts';
import { tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { own } from '../../support/own.ts';
import { createEmitter, type Emitter } from './emitter.ts';
import { lowerings } from './lowerings/index.ts';

export interface Lowered {
  /** What initialisers hold after the step: running statistics. */
  readonly updates: ReadonlyMap<Value, Value>;
  /** int64 [] graph input that every random number follows from; null when nothing is random. */
  readonly seed: Value | null;
}

/** @param mode  'train': batch statistics and dropout; 'infer': as deployed */
export function lower(model: Model, mode: 'train' | 'infer'): Lowered {
  const updates = new Map<Value, Value>();
  let current: Node | undefined;
  let seed: Value | null = null;
  let salt = 0;
  const emitter = createEmitter(model, () => current);
  const random = (dims: readonly number[]): Value => {
    seed ??= addInput(model.graph, createValue(model.names, 'random_seed', tensorType('int64', []), true));
    return uniform(emitter, seed, ++salt, dims);
  };
  // Nodes that a lowering adds stand before their node and are looked at in the next round.
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of [...model.graph.nodes]) {
      const lowering = own(lowerings, opKey(node));
      if (!lowering) continue;
      current = node;
      const outputs = lowering({
        ...emitter,
        node,
        mode,
        input: (i) => node.inputs[i] as Value,
        has: (i) => node.inputs[i] != null,
        random,
        update: (state, next) => updates.set(state, next),
      });
      if (!outputs) continue;
      changed = true;
      node.outputs.forEach((old, i) => {
        const made = outputs[i];
        if (old && made && old.uses.length > 0) replaceAllUses(old, made);
      });
      removeNode(node);
    }
  }
  return { updates, seed };
}

const mask = 0xffffffff;

/** Uniform numbers in [0, 1), multiples of 2⁻²⁴: element (r, c) of draw `salt` follows from (seed, salt, r, c), so a run
 *  that is resumed draws what the uninterrupted one would have. A word for each row and each column is a strong hash, in
 *  int64; their Xor is mixed again in int32, which onnxruntime computes eight at a time and which wraps around. */
function uniform(e: Emitter, seed: Value, salt: number, dims: readonly number[]): Value {
  const [rows, columns] = nearSquare(dims);
  const words = e.op('Cast', [hashed(e, seed, salt, rows + columns)], { to: 6 });
  const part = (from: number, to: number, shape: readonly number[]) =>
    e.reshape(e.op('Slice', [words, e.ints([from]), e.ints([to])]), shape);
  const int = (v: number) => e.scalar(v, 'int32');
  let x = e.op('BitwiseXor', [part(0, rows, [rows, 1]), part(rows, rows + columns, [1, columns])]);
  // Positive from here on: a division is a shift then.
  x = e.op('BitwiseAnd', [e.op('Mul', [x, int(0x7feb352d)]), int(0x7fffffff)]);
  x = e.op('BitwiseXor', [x, e.op('Div', [x, int(2 ** 15)])]);
  // 24 bits fit a float32: without the mask the largest would round up to 1.
  x = e.op('BitwiseAnd', [e.op('Mul', [x, int(0x046ca68b)]), int(0x7fffff80)]);
  return e.reshape(e.op('Mul', [e.op('Cast', [x], { to: 1 }), 2 ** -31]), dims);
}

/** Sizes in two groups, the products of which are as near to each other as the order allows. */
function nearSquare(dims: readonly number[]): readonly [number, number] {
  const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
  const splits = Array.from(
    { length: dims.length + 1 },
    (_, i) => [product(dims.slice(0, i)), product(dims.slice(i))] as const,
  );
  return splits.reduce((a, b) => (Math.max(b[0], b[1]) < Math.max(a[0], a[1]) ? b : a));
}

/** 31 bits a word: multiply–xorshift rounds on 32 bits, held in int64, which cannot overflow. */
function hashed(e: Emitter, seed: Value, salt: number, count: number): Value {
  const whole = (v: number) => e.constant(tensorOf('int64', [], [BigInt(v)]));
  const low = (x: Value) => e.op('BitwiseAnd', [x, whole(mask)]);
  const mixed = (x: Value, shift: number) => e.op('BitwiseXor', [x, e.op('Div', [x, whole(2 ** shift)])]);
  const times = (x: Value, factor: number) => low(e.op('Mul', [x, whole(factor)]));
  const start = mixed(times(low(e.op('Add', [seed, whole(salt * 0x9e3779b1)])), 0x85ebca77), 15);
  const index = e.op('Range', [whole(0), whole(count), whole(1)]);
  let x = low(e.op('Add', [times(index, 0x9e3779b1), times(start, 0xc2b2ae3d)]));
  x = times(mixed(x, 16), 0x7feb352d);
  x = times(mixed(x, 15), 0x846ca68b);
  return e.op('BitwiseAnd', [mixed(x, 16), whole(0x7fffffff)]);
}
