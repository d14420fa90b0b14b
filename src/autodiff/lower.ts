/** Writes composite operators out in simpler ones (lowerings/), in place, until no lowering applies. */
import { addInput, createValue, removeNode, replaceAllUses } from '../ir/edit.ts';
import { type Model, type Node, opKey, type Value } from '../ir/model.ts';
import { tensorOf } from '../ir/tensor.ts';
import { tensorType } from '../ir/type.ts';
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
      const lowering = lowerings[opKey(node)];
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

/** Uniform numbers in [0, 1): element i of draw `salt` is a hash of (seed, salt, i), so a run that is resumed draws what
 *  the uninterrupted one would have. Multiply–xorshift rounds on 32 bits, held in int64, which onnxruntime multiplies. */
function uniform(e: Emitter, seed: Value, salt: number, dims: readonly number[]): Value {
  const count = dims.reduce((a, b) => a * b, 1);
  const whole = (v: number) => e.constant(tensorOf('int64', [], [BigInt(v)]));
  const low = (x: Value) => e.op('BitwiseAnd', [x, whole(mask)]);
  const mixed = (x: Value, shift: number) => e.op('BitwiseXor', [x, e.op('Div', [x, whole(2 ** shift)])]);
  const times = (x: Value, factor: number) => low(e.op('Mul', [x, whole(factor)]));

  const start = mixed(times(e.op('Add', [seed, whole(salt * 0x9e3779b1)]), 0x85ebca77), 15);
  const index = e.op('Range', [whole(0), whole(count), whole(1)]);
  let x = low(e.op('Add', [times(index, 0x9e3779b1), times(start, 0xc2b2ae3d)]));
  x = times(mixed(x, 16), 0x7feb352d);
  x = times(mixed(x, 15), 0x846ca68b);
  x = mixed(x, 16);
  const top = e.op('Cast', [e.op('Div', [x, whole(256)])], { to: 1 });
  return e.reshape(e.op('Mul', [top, 2 ** -24]), dims);
}
